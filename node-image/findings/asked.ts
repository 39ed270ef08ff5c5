/** What a cloud has answered, or why it has not. */
export type Asked<T> = { readonly answer: T } | Refusal;

export interface Refusal {
  /** Whether it is a right that is missing. */
  readonly denied: boolean;
  /** One line, for people. */
  readonly refused: string;
}
