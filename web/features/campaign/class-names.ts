/** Longest name of a class, as the contract has it. */
const MAX_LENGTH = 30;

/** Classes as they are edited: in order, and which of them are searched for. */
export interface ClassChoice {
  classes: readonly string[];
  candidates: readonly string[];
}
export type NameProblem = { kind: 'twice' | 'long'; name: string };

/** The names in what was typed or pasted: commas, semicolons, tabs and line ends stand between them. */
export function splitNames(text: string): string[] {
  return text
    .split(/[,;\t\n\r]+/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Adds names at the end; those that cannot be added are told, the others are added. */
export function addNames(
  choice: ClassChoice,
  names: readonly string[],
): { choice: ClassChoice; problem?: NameProblem } {
  const classes = [...choice.classes];
  let problem: NameProblem | undefined;
  for (const name of names) {
    if (classes.includes(name)) problem ??= { kind: 'twice', name };
    else if (name.length > MAX_LENGTH) problem ??= { kind: 'long', name };
    else classes.push(name);
  }
  return { choice: { ...choice, classes }, ...(problem && { problem }) };
}

/** Gives a class another name; it keeps its place, and is searched for as before. An empty name changes nothing. */
export function renameClass(
  choice: ClassChoice,
  from: string,
  typed: string,
): { choice: ClassChoice; problem?: NameProblem } {
  const to = typed.trim();
  if (to === '' || to === from) return { choice };
  if (choice.classes.includes(to)) return { choice, problem: { kind: 'twice', name: to } };
  if (to.length > MAX_LENGTH) return { choice, problem: { kind: 'long', name: to } };
  const renamed = (name: string) => (name === from ? to : name);
  return { choice: { classes: choice.classes.map(renamed), candidates: choice.candidates.map(renamed) } };
}

export function removeClass({ classes, candidates }: ClassChoice, name: string): ClassChoice {
  const others = (one: string) => one !== name;
  return { classes: classes.filter(others), candidates: candidates.filter(others) };
}

/** Begins or ends the search for a class; those searched for stand in the order of the classes. */
export function toggleCandidate({ classes, candidates }: ClassChoice, name: string): ClassChoice {
  const chosen = candidates.includes(name) ? candidates.filter((one) => one !== name) : [...candidates, name];
  const known = classes.filter((one) => chosen.includes(one));
  return { classes, candidates: [...known, ...chosen.filter((one) => !classes.includes(one))] };
}
