import { describe, expect, test } from 'vitest';
import { stem } from '../../../../../db/ranking/indexes/text/stemmer.ts';

/** Each line: a stem, and words that have it. By the steps of the algorithm. */
const FAMILIES = `
caress: caress caresses caressed caressing
poni: pony ponies
tie: tie ties tied tying
cri: cry cries cried cri
gas: gas
this: this
gap: gap gaps
kiwi: kiwi kiwis
virus: virus
die: die dies died dying
lie: lie lies lied lying
vie: vie vying
agre: agree agreed agreeing agrees
feed: feed feeds feeding
bleed: bleed bleeding
proceed: proceed proceeds
exceed: exceed exceeds
succeed: succeed succeeds
plaster: plaster plastered plastering
sing: sing singing sings
luxuri: luxury luxuries luxuriate luxuriated luxuriating
hop: hop hopped hopping hops
hope: hope hoped hopes hoping hopeful hopefulness hopefully
tan: tan tanned tanning
fall: fall falling falls
hiss: hiss hissing hissed
fizz: fizz fizzed fizzing
fail: fail failing failed
file: file filing filed files
troubl: trouble troubled troubling troubles
size: size sized sizes
confl: confl
conflat: conflate conflated conflating
add: add adding added adds
egg: egg egging egged
off: off
inning: inning innings
outing: outing outings
canning: canning
herring: herring herrings
earring: earring earrings
evening: evening evenings
even: even
happi: happy happiness
happili: happily
sky: sky skies
ski: ski skis
say: say says saying
by: by
enjoy: enjoy enjoyed enjoying enjoys
relat: relate relates related relating relation relations relational
condit: condition conditional conditions
ration: ration rational
digit: digit digitize digitizer digitizing
oper: operate operator operators operation operating
feudal: feudal feudalism
decis: decisive decision decisiveness
callous: callous callousness
formal: formal formality formaliti
sensit: sensitive sensitivity
sensibl: sensible sensibility
archaeolog: archaeology archaeologist archaeological
geolog: geology geologist geologists
biolog: biology biologist
analog: analogy
electr: electric electrical electricity
good: good goodness
triplic: triplicate
form: form formed forming
format: formative
reviv: revive reviving reviv
allow: allow allowance allowed allows
infer: infer inference
airlin: airline airliner
gyroscop: gyroscope gyroscopic
adjust: adjust adjustable adjustment
defens: defense defensible
irrit: irritate irritant irritation
replac: replace replacement replacing
depend: depend dependent dependence
adopt: adopt adoption adopted
homolog: homologous
effect: effect effective effectively
bowdler: bowdlerize
probat: probate
rate: rate rated rates
ceas: cease ceased
control: control controll controlled controlling controls
roll: roll rolling rolled rolls
gener: gener
generat: generate generates generated generation generator
general: general generally generality
generic: generic generically
generous: generous generously
commun: commun
communic: communicate communication
communiti: community communities
communism: communism
arsenic: arsenic
arsenal: arsenal arsenals
past: past
paste: paste pasted pasting pastes
univer: univers
univers: universe universes
universal: universal universally
universiti: university universities
later: later
lateral: lateral laterally
emerg: emerg emerge emerged emerging
emergenc: emergency emergencies
organ: organ organs
organiz: organize organizing organization
organic: organic
news: news
howe: howe
atlas: atlas
cosmos: cosmos
bias: bias
andes: andes
idl: idly
gentl: gentle gently
ugli: ugly
earli: early
onli: only
singl: single singly
consist: consist consisted consistency consistent consistently consisting consists
consol: console consoled consolation
knot: knot knots knotted
knight: knightli knight knighted knights
knack: knack knacks
movi: movie movies
actor: actor actors
direct: direct directs directed direction
director: director directors
search: search searches searched searching
index: index indexed indexing
databas: database databases
queri: query queries queried querying
rank: rank ranked ranking ranks
recommend: recommend recommends recommendation recommender recommended
quick: quick quickly
nation: nation nations national nationally
teach: teach teaches teaching
teacher: teacher teachers
run: run runs running
runner: runner runners
swim: swim swims swimming
box: box boxes boxing boxed
bus: bus
buse: buses
dog: dog dogs dog's dogs'
boy: boy boys boy's
yellow: yellow
youth: youth youthful
a: a
i: i
is: is
ox: ox
internal: internal
internat: international
interval: interval
interfer: interfere interfering
internet: internet
interest: interest interesting
`;

const PAIRS = FAMILIES.trim()
  .split('\n')
  .flatMap((line) => {
    const [expected = '', words = ''] = line.split(': ');
    return words.split(' ').map((word) => [word, expected] as const);
  });

describe('the stem', () => {
  test.each(PAIRS)('of %s is %s', (word, expected) => {
    expect(stem(word)).toBe(expected);
  });

  test('is never longer than the word by more than a letter, and never empty', () => {
    for (const [word] of PAIRS) {
      expect(stem(word).length).toBeGreaterThan(0);
      expect(stem(word).length).toBeLessThanOrEqual(word.length + 1);
    }
  });
});
