package letter

import (
	"regexp"
	"strings"
	"unicode"

	"opeka/internal/text"
)

// Question is something that a letter asks.
type Question struct {
	Text     string `json:"text"`
	Answered bool   `json:"answered"` // the answer has words of it, or there is no answer to look at
}

const maxQuestions = 12

var (
	// asks are words with which a sentence asks although nobody typed a question mark.
	asks = regexp.MustCompile(`(?i)^(?:(?:hi|hello|добр\S+ (?:день|дня|вечір|вечора|ранку|утро|вечер)|здравствуйте|вітаю|dzie[nń] dobry|witam|а|і|и|й|та|a|i|and|also|or|czy te[zż])[\s,!.:;-]+)*(?:` + strings.Join([]string{
		`(?:what|when|where|which|who|whose|why|how)\b`, `(?:can|could|will|would|do|does|did|is|are|have|has|may|should) (?:you|i|we|it|they|there|this|that|the|my|your|anyone)\b`, `(?:please )?(?:tell me|let me know|confirm|advise)\b`,
		`(?:що|коли|де|куди|звідки|який|яка|яке|які|якого|якої|якому|чому|навіщо|хто|скільки|як|чи|якщо не секрет)(?:\s|,)`, `(?:підкажіть|скажіть|повідомте|уточніть|поясніть)`, `(?:можна|можете|можу|чи можна) `,
		`(?:что|когда|где|куда|откуда|какой|какая|какое|какие|какого|какую|почему|зачем|кто|сколько|как|можно|могу|можете|есть) `, `(?:подскажите|скажите|сообщите|уточните|поясните|объясните)`,
		`(?:co|kiedy|gdzie|sk[aą]d|dok[aą]d|jaki|jaka|jakie|jakiej|kt[oó]ry|kt[oó]ra|kt[oó]re|dlaczego|po co|kto|ile|jak|czy) `, `(?:prosz[eę] o (?:informacj|odpowied|potwierdz|podani)|prosz[eę] (?:powiedzie|poda|potwierdzi))`,
	}, "|") + `)`)
	asksInside = regexp.MustCompile(`(?i)(?:хот(?:ел|іл)[аио]?(?:сь|ся)? (?:бы |б )?(?:узнать|уточнить|дізнатис|уточнити)|цікавить|интересует|chcia[lł](?:bym|abym) (?:si[eę] )?(?:dowiedzie|zapyta)|i(?:'d| would) like to (?:know|ask)|wondering (?:if|when|whether)|(?:не знаю|nie wiem|don't know),? (?:коли|когда|как|як|czy|kiedy|when|how|if))`)
)

// Questions lists what a customer's letter asks: sentences that end in a question mark, and those that begin or go on as questions do.
// Quotes and signatures are left out.
func Questions(s string) (out []string) {
	seen := map[string]bool{}
	for _, sentence := range sentences(SplitReply(s).Said) {
		words := strings.Fields(sentence)
		if len(words) == 0 || len(out) >= maxQuestions {
			continue
		}
		marked := strings.HasSuffix(strings.TrimRight(sentence, ` !"»”)`), "?")
		if !marked && (len(words) < 3 || !asks.MatchString(sentence) && !asksInside.MatchString(sentence)) {
			continue
		}
		q := text.Preview(strings.Trim(sentence, " -–—*•\t"), 240)
		if key := strings.ToLower(q); !seen[key] && strings.ContainsFunc(q, unicode.IsLetter) {
			seen[key] = true
			out = append(out, q)
		}
	}
	return out
}

// sentences cuts a text where sentences end. Line breaks within a paragraph don't end one, unless a list or a salutation stands there.
func sentences(s string) (out []string) {
	for _, para := range paragraphs(s) {
		from := 0
		runes := []rune(para)
		for n, r := range runes {
			if r != '?' && r != '!' && r != '.' && r != '…' {
				continue
			}
			next := ' '
			if n+1 < len(runes) {
				next = runes[n+1]
			}
			if !unicode.IsSpace(next) {
				continue
			}
			// An abbreviation or a number goes on: "ul. Długa", "арт. 15".
			if r == '.' && n+2 < len(runes) && (unicode.IsLower(runes[n+2]) || unicode.IsDigit(runes[n+2])) {
				continue
			}
			out = append(out, strings.TrimSpace(string(runes[from:n+1])))
			from = n + 1
		}
		if rest := strings.TrimSpace(string(runes[from:])); rest != "" {
			out = append(out, rest)
		}
	}
	return out
}

var listItem = regexp.MustCompile(`^\s*(?:[-–—*•]|\d{1,2}[.)])\s+`)

func paragraphs(s string) (out []string) {
	open := false
	for _, line := range strings.Split(s, "\n") {
		t := strings.TrimSpace(line)
		switch {
		case t == "":
			open = false
			continue
		case quoteMark.MatchString(line):
			open = false
			continue
		case listItem.MatchString(line):
			out = append(out, listItem.ReplaceAllString(t, ""))
		case open:
			out[len(out)-1] += " " + t
		default:
			out = append(out, t)
		}
		open = !strings.HasSuffix(t, ",") || len(strings.Fields(t)) > 4
	}
	return out
}

// Check marks which of a letter's questions an answer leaves open: those of whose own words, by their stems, the answer holds none. It is a
// reminder and proves nothing.
func Check(letter, answer string) []Question {
	asked := Questions(letter)
	have := map[string]bool{}
	for _, stem := range text.Analyse(answer, "") {
		have[stem] = true
	}
	numbers := digits.MatchString(answer)
	out := make([]Question, 0, len(asked))
	for _, q := range asked {
		var own, hits int
		for _, stem := range text.Analyse(q, "") {
			if len([]rune(stem)) < 4 || common[stem] {
				continue
			}
			own++
			if have[stem] {
				hits++
			}
		}
		answered := own == 0 && strings.TrimSpace(answer) != "" || hits > 0 && hits*3 >= own
		if !answered && quantity.MatchString(q) && numbers { // "when" and "how much" are answered by a figure
			answered = true
		}
		out = append(out, Question{q, answered})
	}
	return out
}

var (
	digits   = regexp.MustCompile(`\d`)
	quantity = regexp.MustCompile(`(?i)(?:^|\s)(?:when|how (?:much|many|long)|what time|коли|скільки|о котрій|когда|сколько|во сколько|kiedy|ile|o kt[oó]rej)(?:\s|\?)`)
	common   = func() map[string]bool {
		m := map[string]bool{}
		for _, w := range strings.Fields(`please tell could would your have with when what where which that this there about know want подскажите скажите пожалуйста можно когда сколько какой какая какие будет можете есть или хочу ваш
підкажіть скажіть будь ласка можна коли скільки який яка які буде можете або хочу ваш чи proszę kiedy ile jaki jaka jakie będzie można czy lub mogę państwo jest dzień dobry добрый день добрий`) {
			for _, s := range text.Analyse(w, "") {
				m[s] = true
			}
		}
		return m
	}()
)
