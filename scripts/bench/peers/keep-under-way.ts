/** Keeps `inFlight` calls of `write` under way for so many seconds, and waits for the last; returns calls per second. */
export async function keepUnderWay(
  write: () => Promise<unknown>,
  inFlight: number,
  seconds: number,
): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let done = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < until) {
      await write();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return (done / (performance.now() - began)) * 1000;
}
