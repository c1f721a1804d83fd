/** The blanks that PostgreSQL passes over at both ends of a text: those of ASCII, where JavaScript knows more with every Unicode. */
const BLANKS = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;

export function withoutBlanks(text: string): string {
  return text.replace(BLANKS, '');
}
