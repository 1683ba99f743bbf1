// A reply that hasn't gone out yet comes back into the composer, with its files and its readers.
import { inbox, type Id } from '$lib/api';
import { toastFailure } from '$lib/app/toasts.svelte';
import { counts } from '$lib/live/counts.svelte';
import { threadOf } from '$lib/live/threads.svelte';

export async function takeBack(conversation: Id, message: Id): Promise<boolean> {
  try {
    const was = await inbox.takeBack(conversation, message);
    const thread = threadOf.open(conversation);
    thread.hear({ ...was, attachments: [], delivery: { state: 'cancelled', reason: '', detail: '' } });
    thread.restore('reply', was.body);
    thread.draft.files = [...was.attachments, ...thread.draft.files];
    if (was.mail)
      thread.draft.letter = {
        to: was.mail.to ?? [],
        cc: was.mail.cc ?? [],
        bcc: was.mail.bcc ?? [],
        subject: was.mail.subject,
        forward: 0,
      };
    counts.soon();
    return true;
  } catch (cause) {
    toastFailure(cause);
    return false;
  }
}
