/**
 * English words that say nothing of what a text is about. They are in the index, so that a phrase or a title made of them is
 * found, but beside other words they only tell apart what those have found.
 */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  [
    'a about an and any are as at be been being but by can could did do does for from had has have he her him his',
    'how i if in into is it its me my no nor not of on or our she should so such than that the their them then there',
    'these they this those to too us very was we were what when where which who whom why will with would you your',
  ]
    .join(' ')
    .split(' '),
);
