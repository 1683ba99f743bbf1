// Which script stands beside the page, and whom it is about. The panel itself is fetched when there is one.
import type { Id } from '$lib/api';

export interface About {
  store: Id;
  customer?: Id;
  order?: Id;
  conversation?: Id;
  call?: Id;
  callback?: Id;
  language?: string;
  /** Reasons for which a script opens by itself. */
  purposes?: string[];
  /** Nobody asked for it: without a script that fits it doesn't stay. */
  auto?: boolean;
}

let about = $state.raw<About>();
let outcome = $state.raw<{ call: Id; outcome: string }>();

export const panel = {
  get about(): About | undefined {
    return about;
  },
  show(what: About): void {
    about = what;
  },
  close(): void {
    about = undefined;
  },
  /** Closes what stands there for a call that is over. */
  closeCall(): void {
    if (about?.call) about = undefined;
  },
  /** An end of a script says how the call is to be closed. */
  ended(call: Id, with_: string): void {
    outcome = { call, outcome: with_ };
  },
  outcomeOf(call: Id | undefined): string {
    return outcome && call && outcome.call === call ? outcome.outcome : '';
  },
};
