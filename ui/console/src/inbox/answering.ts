/** How a letter is answered: to who wrote it, to all its readers, or passed on to somebody else. */
export type Answering = 'reply' | 'all' | 'forward';
