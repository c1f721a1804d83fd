/** One way to say how a long step is doing: plain lines with the elapsed time, fit for a terminal and a CI log alike. */
export type Progress = (line: string) => void;

export function printProgress(
  prefix: string,
  write: (text: string) => void = (text) => process.stderr.write(text),
): Progress {
  const start = performance.now();
  return (line) => {
    const seconds = Math.round((performance.now() - start) / 1000);
    const clock = `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`;
    write(`${clock} ${prefix}: ${line}\n`);
  };
}
