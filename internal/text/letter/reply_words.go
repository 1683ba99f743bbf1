package letter

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxLines is how far a text is looked at; what follows is taken as it stands.
const maxLines = 3000

// joint stands for a line break within what belongs together.
const joint = "\x1f"

// wrote are the words by which clients introduce what they quote, at the end or the beginning of the line that does so.
var wrote = strings.Join([]string{
	`wrote`, `writes`, `said`, `sent`, `schrieb(?:\s+am.*)?`, `geschrieben`, `a écrit`, `escribi[oó]`, `escreveu`, `ha scritto`, `schreef`, `geschreven`, `skrev`, `skrifaði`, `kirjoitti`, `írta`, `napsal(?:\(a\)|a)?`, `napísal`,
	`написал(?:\(а\)|а)?`, `пишет`, `писал(?:\(а\)|а)?`, `написав(?:\(ла\)|\(-ла\)|ла)?`, `написала`, `пише`, `писав(?:\(ла\))?`, `пишуть`, `сообщает`, `повідомля(?:є|в)`, `надіслав`, `отправил(?:\(а\)|а)?`,
	`napisa[lł](?:\(a\)|a|\(-a\))?`, `pisze`, `napisano`, `wys[lł]a[lł](?:\(a\)|a)?`, `a scris`, `написа`, `yazdı`, `wrote the following`, `volgende geschreven`,
}, "|")

// aDate is what an introduction must hold beside the word, so that "she wrote:" in a letter isn't taken for one.
const aDate = `(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}[:.]\d{2}|\b(?:19|20)\d\d\b)`

var (
	introEnd   = regexp.MustCompile(`(?i)(?:^|[\s,>)\]"'*])(?:` + wrote + `)\s*(?:\.{3}|:|;|-{2,})?\s*-*\s*$`)
	introFirst = regexp.MustCompile(`(?i)^\s*[-*_>\s]*(?:on|le|am|op|el|em|il|den|dnia|w dniu|в|во|у|на|от|від|пн|вт|ср|чт|пт|сб|вс|нд|понеділок|вівторок|середа|четвер|п.ятниця|субота|неділя|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|pon|wt|śr|czw|pt|sob|ndz|niedz|` +
		`mon|tue|wed|thu|fri|sat|sun|\d{1,4}[\s./-]|".+"|.{1,80}<)`)
	dated       = regexp.MustCompile(aDate)
	datedOnly   = regexp.MustCompile(`(?i)^\s*(?:` + aDate + `.{0,40}){1,4}(?:GMT|UTC|р\.|г\.)?[^@]{0,40}(?:<\s*)?[^<>\s@]+@[^<>\s@]+>?\s*:?\s*$`)
	someoneSaid = regexp.MustCompile(`(?i)^[^:]{2,120}(?:<[^>]*@[^>]*>|\[mailto:[^\]]*\])\s*(?:` + wrote + `)\s*:?\s*$`)

	original = regexp.MustCompile(`(?i)^[\s>*_]*[-–—_]{2,}\s*(?:` + strings.Join([]string{
		`original (?:message|e-?mail|appointment)`, `forwarded (?:message|mail|by).*`, `reply(?:ing)? (?:message|above).*`, `begin forwarded message`, `ursprüngliche nachricht`, `original-?nachricht`, `weitergeleitete nachricht`, `message (?:d'origine|original|transféré)`, `mensaje (?:original|reenviado)`,
		`mensagem (?:original|encaminhada)`, `messaggio (?:originale|inoltrato)`, `oorspronkelijk bericht`, `doorgestuurd bericht`, `originalt? (?:meddelande|melding|besked)`, `opprinnelig melding`, `oprindelig (?:meddelelse|besked)`, `alkuperäinen viesti`, `původní (?:zpráva|e-mail)`, `eredeti üzenet`,
		`исходное сообщение`, `пересылаемое сообщение`, `пересланное (?:сообщение|письмо)`, `перенаправленное сообщение`, `пересланное`, `оригинальное сообщение`, `начало пере(?:сылаемого|направленного|сланного) (?:сообщения|письма)`, `original`,
		`вихідне повідомлення`, `переслане повідомлення`, `переспрямоване повідомлення`, `початкове повідомлення`, `оригінальне повідомлення`, `переслане`, `пересланий лист`, `початок пересланого.*`,
		`(?:oryginalna )?wiadomo[sś][cć] (?:oryginalna|przekazana|pierwotna|źródłowa)`, `oryginalna wiadomo[sś][cć]`, `przekazana wiadomo[sś][cć]`, `tre[sś][cć] (?:przekazanej|oryginalnej) wiadomo[sś]ci`, `pierwotna wiadomo[sś][cć]`,
	}, "|") + `)\s*[-–—_*]{0,}\s*$`)
	forwardMark  = regexp.MustCompile(`(?i)forward|weitergeleitet|transf[eé]r|reenviad|encaminhad|inoltrat|doorgestuurd|перес(?:ы|л)|перенаправ|переспрям|przekazan`)
	beginForward = regexp.MustCompile(`(?i)^[\s>]*(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|début du message (?:transféré|réexpédié)|начало переадресованного (?:сообщения|письма)|початок (?:переадресованого|пересланого) (?:повідомлення|листа)|pocz[aą]tek przekazywanej wiadomo[sś]ci|wiadomo[sś][cć] napisana przez)\s*:?\s*$`)
	delimiter    = regexp.MustCompile(`^\s*(?:--|–|—|__|-{4,}|_{4,}|={8,}|\*{8,})\s*$`)
	replyAbove   = regexp.MustCompile(`(?i)^[\s#=*<>_-]*(?:(?:please )?(?:reply|type your reply) above this line|пишіть (?:відповідь )?вище|пишите (?:ответ )?выше|odpowiedz powyżej|прошу ответить выше).*$`)

	headField = regexp.MustCompile(`(?i)^[\s>*_|]*(?:` + strings.Join([]string{
		`from`, `to`, `cc`, `bcc`, `sent`, `date`, `subject`, `reply-?to`, `importance`, `attachments?`, `organization`, `von`, `an`, `gesendet(?: am)?`, `datum`, `betreff`, `kopie`, `de`, `à`, `envoyé(?: le)?`, `objet`, `para`, `enviado(?: el)?`, `asunto`, `assunto`, `da`, `a`, `inviato`, `data`, `oggetto`,
		`van`, `aan`, `verzonden`, `onderwerp`, `från`, `fra`, `till?`, `skickat`, `sendt`, `ämne`, `emne`, `lähettäjä`, `odesláno`, `předmět`, `komu`, `kopia`,
		`від`, `відправник`, `відправлено`, `надіслано`, `кому`, `копія`, `тема`, `дата`, `отримувач`, `одержувач`, `от`, `отправитель`, `отправлено`, `дата отправки`, `получатель`, `копия`, `ответить`,
		`od`, `do`, `dw`, `wys[lł]ano`, `wys[lł]ane`, `temat`, `nadawca`, `adresat`, `odbiorca`, `data wys[lł]ania`, `do wiadomo[sś]ci`,
	}, "|") + `)[*_]*\s*[:：]\*?\s*(.*)$`)

	quoteMark = regexp.MustCompile(`^\s*(?:>|\|\s|\|$|»\s)`)

	mobile = regexp.MustCompile(`(?i)^[\s*_<>(\["«-]*(?:` + strings.Join([]string{
		`(?:sent|get|wysłan[eoay]|wyslan[eoay]) (?:from|with|via|by|using|z)\b.{0,90}`, `sent from (?:my )?.{1,80}`, `from my (?:iphone|ipad|android|mobile|phone|samsung|galaxy).{0,40}`, `(?:someone |sent )?from mobile.*`, `get outlook for .*`, `get \[?outlook.*`, `download (?:the )?.{1,20} app.*`,
		`envoy[eé] (?:depuis|de|avec) .{0,80}`, `von meinem .{1,40} gesendet`, `gesendet (?:von|mit) .{0,60}`, `diese nachricht wurde von mein.{0,60} gesendet.*`, `enviado (?:desde|do|de) .{0,60}`, `inviato da .{0,60}`, `verzonden (?:met|vanaf|via|van) .{0,60}`, `verstuurd vanaf .{0,60}`, `skickat från .{0,60}`, `sendt fra .{0,60}`, `lähetetty .{0,60}`, `odesláno z .{0,60}`,
		`從我的.{1,20}傳送`, `从我的.{1,20}发送`, `.{1,12}から送信`,
		`надіслано (?:з|із|через|за допомогою) .{0,80}`, `відправлено (?:з|із|через|за допомогою|мобільн).{0,80}`, `надіслано мо(?:їм|єю) .{0,60}`, `відправлено .{0,40}(?:iphone|ipad|android|samsung|xiaomi|gmail|mail|телефон).{0,40}`, `написано з .{0,60}`,
		`отправлено (?:с|со|из|через|с помощью|мобильн).{0,80}`, `отправлено .{0,40}(?:iphone|ipad|android|samsung|xiaomi|почт|mail|телефон).{0,40}`, `послано (?:с|из) .{0,60}`, `с уважением, .{0,20}отправлено из .*`, `mail\.ru для (?:android|ios).*`, `яндекс\.?почт.{0,40}`,
		`wys[lł]an[eoay] (?:z|za pomoc[aą]|przez|przy u[zż]yciu).{0,80}`, `pobierz (?:outlook|aplikacj).{0,60}`, `napisano z .{0,60}`, `(?:wiadomo[sś][cć] )?wys[lł]ana? z .{0,80}`, `отримайте outlook.{0,40}`, `\S{3,15} outlook (?:для|for|für|pour|para|per|dla|voor|pro|på|til) (?:ios|android|mobile|mac|windows).{0,80}`, `скачать outlook.{0,40}`, `завантажити outlook.{0,40}`, `получите outlook.{0,40}`,
	}, "|") + `)[\s*_>)\]"».]*$`)

	closing = regexp.MustCompile(`(?i)^(?:(?:with )?(?:best|kind|warm)?(?:est)? ?(?:regards|wishes)|sincerely|yours (?:truly|sincerely|faithfully)|cheers|thank(?:s| you)(?: .{0,20})?|с уважением|с наилучшими.*|с благодарностью|всего доброго|спасибо|з повагою|з найкращими.*|гарного дня|дякую|щиро.*|z powa[zż]aniem|pozdrawiam.*|z wyrazami szacunku|serdecznie pozdrawiam|pozdrowienia|dzi[eę]kuj[eę]|mit freundlichen grü(?:ß|ss)en|viele grü(?:ß|ss)e|cordialement|cordiali saluti|saludos.*)[\s,.!;-]*$`)
	contact = regexp.MustCompile(`(?i)(?:\+?\d[\d\s()-]{7,}\d|https?://|www\.|\S+@\S+\.\S+|\b(?:tel|mob|phone|fax|тел|моб|факс|kom)\b\s*[.:]?)`)
)

// joinIntros makes one line of an introduction that a client broke into two or three.
func joinIntros(lines []string) []string {
	out := make([]string, 0, len(lines))
	ends := make([]bool, len(lines))
	for n, l := range lines[:min(len(lines), maxLines)] {
		last := strings.TrimSpace(stripQuote(l))
		ends[n] = len(last) < 400 && (strings.HasSuffix(last, ":") || introEnd.MatchString(" "+last))
	}
	for n := 0; n < len(lines); n++ {
		joined := false
		for span := 2; span <= 6 && n+span <= len(lines) && !joined; span++ {
			last := strings.TrimSpace(lines[n+span-1])
			if !ends[n+span-1] || strings.HasPrefix(last, ">") && !introEnd.MatchString(last) && strings.Trim(last, ">: ") != "" {
				continue
			}
			if isIntroStart(stripQuote(lines[n])) {
				parts := make([]string, 0, span)
				blanks := 0
				for _, l := range lines[n : n+span] {
					s := strings.TrimSpace(stripQuote(l))
					if s == "" {
						blanks++
					}
					parts = append(parts, s)
				}
				whole := strings.Join(parts, " ")
				if utf8.RuneCountInString(whole) < 300 && blanks <= 2 && isIntro(whole) {
					prefix := lines[n][:len(lines[n])-len(stripQuote(lines[n]))]
					if prefix == "" {
						out = append(out, strings.Join(lines[n:n+span], joint))
						n += span - 1
						joined = true
					}
				}
			}
		}
		if !joined {
			out = append(out, lines[n])
		}
	}
	return out
}

func stripQuote(l string) string { return strings.TrimLeft(l, "> \t") }

func isIntroStart(l string) bool { return introFirst.MatchString(l) }

// isIntro tells whether the line introduces a quote.
func isIntro(l string) bool {
	l = strings.TrimSpace(strings.Trim(strings.TrimSpace(strings.ReplaceAll(l, joint, " ")), "*_-–— "))
	if l == "" || utf8.RuneCountInString(l) > 300 {
		return false
	}
	l = strings.ReplaceAll(strings.ReplaceAll(l, "&lt;", "<"), "&gt;", ">")
	if someoneSaid.MatchString(l) {
		return true
	}
	if introEnd.MatchString(l) {
		ends := strings.HasSuffix(l, ":") || strings.HasSuffix(l, "wrote") || strings.HasSuffix(l, "...")
		if dated.MatchString(l) && introFirst.MatchString(l) {
			return true
		}
		return ends && strings.Contains(l, "@")
	}
	// "28 сент. 2016 г. 12:00, Name <a@b.c>:", "2016-10-24 15:36 GMT+02:00 Name <a@b.c>:" and "Name <a@b.c> schrieb am ...:"
	if strings.HasSuffix(l, ":") && strings.Contains(l, "@") && dated.MatchString(l) && introFirst.MatchString(l) {
		return true
	}
	if datedOnly.MatchString(l) || wroteName.MatchString(l) {
		return true
	}
	return wroteInside.MatchString(l) && dated.MatchString(l) && (strings.HasSuffix(l, ":") || strings.Contains(l, "@"))
}

// wroteName is an introduction in the languages that name the writer behind the word: "Am 20.11.26 um 10:12 schrieb Shop:".
var wroteName = regexp.MustCompile(`(?i)^(?:am|op|den|på|\d{1,4}[./-])\s?.{0,40}` + aDate + `.{0,40}\s(?:schrieb|schreef|skrev|skrifaði)\s+[^:]{2,80}:$`)

var wroteInside = regexp.MustCompile(`(?i)(?:<[^>]+@[^>]+>|"[^"]+"|^\S+ \S+)\s*(?:` + wrote + `)\s+(?:am|on|le|el|den|dnia|в|у|на|от|від)?.{4,60}:?$`)

func kindOf(l string) byte {
	t := strings.TrimSpace(l)
	switch {
	case t == "":
		return lineEmpty
	case original.MatchString(l), beginForward.MatchString(l), replyAbove.MatchString(l):
		return lineEnd
	case delimiter.MatchString(l):
		return lineEnd
	case quoteMark.MatchString(l):
		return lineQuote
	case isIntro(l):
		return lineIntro
	case headField.MatchString(l) && utf8.RuneCountInString(t) < 400:
		return lineHead
	case mobile.MatchString(t) && utf8.RuneCountInString(t) < 120:
		return lineSignature
	}
	return lineText
}

// heads takes fields that stand alone for text: "To: whom it may concern" isn't the head of a letter. The lines into which a long field is broken belong to it.
func heads(lines []string, shape []byte) {
	for n := 0; n < len(shape); n++ {
		if shape[n] != lineHead {
			continue
		}
		end, fields := n, 0
		for m, gap := n, 0; m < len(shape) && gap <= 2; m++ {
			switch {
			case shape[m] == lineHead:
				fields++
				end, gap = m+1, 0
			case shape[m] == lineText && fields > 0 || shape[m] == lineEmpty:
				gap++
			default:
				gap = 3
			}
		}
		kind := byte(lineText)
		if fields >= 3 || fields == 2 && n > 0 && shape[n-1] == lineEnd {
			kind = lineHead
		}
		for m := n; m < end; m++ {
			if shape[m] == lineHead || shape[m] == lineText && kind == lineHead {
				shape[m] = kind
			}
		}
		n = max(n, end-1)
	}

}
