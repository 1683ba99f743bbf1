// Package letter understands e-mail: broken headers, charsets that nobody declared, trees of parts, what a person
// wrote last and what he merely quoted, automatic answers, reports of failed delivery, forwarded mail. It is pure and
// never fails: whatever the bytes are, Parse gives a Letter, and says in Problems what it couldn't read. It
// stores nothing, sends nothing and decides nothing: rooms do.
package letter
