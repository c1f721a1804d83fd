/** Where the log is being applied: pages of a checkpoint are named by where they last changed. */
export interface Position {
  sequence: number;
}
