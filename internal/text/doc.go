// Package text owns what the program knows about written language: telephone
// numbers, names across alphabets and spellings, the language of a line, search
// terms, untrusted HTML, card numbers that must not be kept, and cutting text
// safely. It is pure: it never reads a clock, a file or a database, and it holds no
// wording that people see.
package text
