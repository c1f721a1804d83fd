/** Whether everything that carries a version carries the same one: pure, so that it can be tested without releasing. */

export interface VersionFacts {
  /** What the person asked for, e.g. `v1.2.0`. */
  readonly tag: string;
  readonly packageVersion: string;
  readonly lockVersion: string;
  /** Commit of the working tree, `-dirty` behind it when it differs from HEAD. */
  readonly head: string;
  /** Commit the tag stands on, or null when git has no such tag. */
  readonly tagCommit: string | null;
}

const TAG = /^v(\d+\.\d+\.\d+(?:-[0-9a-z.]+)?)$/;

/** One sentence per difference; empty when a release may go on. */
export function compareVersions(facts: VersionFacts): string[] {
  const version = TAG.exec(facts.tag)?.[1];
  if (version === undefined)
    return [`"${facts.tag}" is not a release tag; it must look like v1.2.3 or v1.2.3-rc.1`];
  const differences: string[] = [];
  if (facts.packageVersion !== version) {
    differences.push(`package.json says ${facts.packageVersion}, the tag says ${version}`);
  }
  if (facts.lockVersion !== facts.packageVersion) {
    differences.push(
      `package-lock.json says ${facts.lockVersion}, package.json says ${facts.packageVersion}`,
    );
  }
  if (facts.head.endsWith('-dirty'))
    differences.push('the working tree differs from its commit; commit or discard first');
  if (facts.tagCommit === null)
    differences.push(`git has no tag ${facts.tag}; make it first: git tag ${facts.tag}`);
  else if (facts.tagCommit !== facts.head.replace(/-dirty$/, '')) {
    differences.push(`tag ${facts.tag} stands on ${facts.tagCommit}, the working tree on ${facts.head}`);
  }
  return differences;
}
