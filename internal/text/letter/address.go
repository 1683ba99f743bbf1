package letter

import (
	"strings"
	"unicode"

	"opeka/internal/text"
)

// Address is somebody in a head.
type Address struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"` // as it was written; Key is for comparing
}

// Key is the address in the form in which identities are kept.
func (a Address) Key() string { return strings.ToLower(a.Email) }

// maxAddresses bounds a list.
const maxAddresses = 500

// addresses reads a list, however it is broken: semicolons, missing brackets, names with commas, groups, comments, "mailto:".
func addresses(v []byte, hint string) []Address {
	var out []Address
	for _, piece := range splitAddresses(guess(v, hint)) {
		if a, ok := address(piece); ok && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	return out
}

// splitAddresses cuts a list at its commas and semicolons, outside of quotes, comments and brackets, and where what was cut holds an address.
func splitAddresses(s string) (out []string) {
	var quoted, angle bool
	comment, from := 0, 0
	add := func(end int) {
		if piece := strings.TrimSpace(s[from:end]); piece != "" {
			// A name with a comma in it, unquoted: it belongs to what follows.
			if len(out) > 0 && !strings.Contains(out[len(out)-1], "@") && !strings.HasSuffix(out[len(out)-1], ":") {
				piece = out[len(out)-1] + ", " + piece
				out = out[:len(out)-1]
			}
			out = append(out, piece)
		}
		from = end + 1
	}
	for n := 0; n < len(s); n++ {
		switch c := s[n]; {
		case c == '\\' && quoted:
			n++
		case c == '"' && comment == 0:
			// A quote that nobody closes isn't one.
			if quoted || strings.IndexByte(s[n+1:], '"') >= 0 {
				quoted = !quoted
			}
		case quoted:
		case c == '(':
			if strings.IndexByte(s[n:], ')') >= 0 {
				comment++
			}
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '<':
			angle = strings.IndexByte(s[n:], '>') >= 0
		case c == '>':
			angle = false
		case angle:
		case c == ':' && !strings.Contains(s[from:n], "@") && !strings.HasSuffix(strings.ToLower(s[from:n]), "mailto") && strings.IndexByte(s[n:], ';') >= 0:
			from = n + 1 // the name of a group
		case c == ',' || c == ';':
			add(n)
		}
	}
	add(len(s))
	return out
}

// address reads one address with its name.
func address(s string) (Address, bool) {
	s = strings.TrimSpace(s)
	var comment string
	if open := strings.LastIndexByte(s, '('); open >= 0 && !strings.Contains(s[open:], "<") {
		if end := strings.IndexByte(s[open:], ')'); end > 0 {
			comment = s[open+1 : open+end]
			s = strings.TrimSpace(s[:open] + s[open+end+1:])
		}
	}
	name, email := "", ""
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		name, email = s[:open], s[open+1:]
		if end := strings.IndexByte(email, '>'); end >= 0 {
			if name == "" {
				name = email[end+1:] // "<a@b.c> Name"
			}
			email = email[:end]
		}
		if !strings.Contains(email, "@") && strings.Contains(name, "@") { // "a@b.c <Name>"
			name, email = email, lastWithAt(name)
		}
	} else {
		email = s
	}
	email = strings.TrimSpace(decodeWords(email))
	email = strings.Trim(email, " \t'`,;<>")
	if low := strings.ToLower(email); strings.HasPrefix(low, "mailto:") {
		email = email[len("mailto:"):]
	}
	if strings.ContainsFunc(email, unicode.IsSpace) && !strings.HasPrefix(email, `"`) {
		// "Name name@host" without brackets, or blanks within the address.
		if at := lastWithAt(email); at != "" && !strings.HasPrefix(at, "@") && !strings.HasSuffix(at, "@") {
			if name == "" {
				name = strings.Replace(email, at, "", 1)
			}
			email = at
		} else {
			email = strings.Join(strings.Fields(email), "")
		}
	}
	if !valid(email) {
		return Address{}, false
	}
	if strings.TrimSpace(name) == "" {
		name = comment
	}
	a := Address{Name: displayName(name), Email: email}
	if strings.EqualFold(a.Name, a.Email) {
		a.Name = ""
	}
	return a, true
}

// lastWithAt is the last word that holds an @.
func lastWithAt(s string) string {
	words := strings.Fields(s)
	for n := len(words) - 1; n >= 0; n-- {
		if strings.Contains(words[n], "@") {
			return strings.Trim(words[n], `"'<>,;()[]`)
		}
	}
	return ""
}

// displayName makes a name of what stands before an address.
func displayName(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' && s[len(s)-1] == '"' || s[0] == '\'' && s[len(s)-1] == '\'') {
		s = s[1 : len(s)-1]
	}
	s = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
	s = collapse(decodeWords(s))
	s = strings.Trim(s, ` "',;<>`)
	return text.Preview(s, 200)
}

// valid tells whether s can be written to at all: one @ with something on both sides, nothing that breaks lines.
func valid(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 320 {
		return false
	}
	host := s[at+1:]
	if strings.ContainsFunc(host, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"<>()[],;:@`, r) && !strings.HasPrefix(host, "[")
	}) {
		return false
	}
	local := s[:at]
	if strings.HasPrefix(local, `"`) {
		return strings.HasSuffix(local, `"`) && !strings.ContainsFunc(local, unicode.IsControl)
	}
	return !strings.ContainsFunc(local, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>()[],;:\"\\@", r)
	})
}

// messageIDs reads the ids of a field, in their order, without their brackets.
func messageIDs(values []string) (out []string) {
	for _, v := range values {
		for {
			open := strings.IndexByte(v, '<')
			if open < 0 {
				// Ids without brackets, alone in the field.
				if v = strings.TrimSpace(v); len(out) == 0 && strings.Contains(v, "@") && !strings.ContainsAny(v, " \t") {
					out = appendID(out, v)
				}
				break
			}
			end := strings.IndexByte(v[open:], '>')
			if end < 0 {
				break
			}
			out = appendID(out, v[open+1:open+end])
			v = v[open+end+1:]
		}
	}
	return out
}

const maxIDs = 200

func appendID(out []string, id string) []string {
	id = strings.Join(strings.Fields(id), "")
	if id == "" || len(id) > 250 || len(out) >= maxIDs {
		return out
	}
	for _, o := range out {
		if o == id {
			return out
		}
	}
	return append(out, id)
}
