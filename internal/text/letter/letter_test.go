package letter

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

func mail(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n")) }

func TestUndeclaredCharsetsOfHeads(t *testing.T) {
	encode := func(c *charmap.Charmap, s string) string {
		out, err := c.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, c := range []struct {
		charset *charmap.Charmap
		s       string
	}{
		{charmap.Windows1251, "Где мой заказ номер 4512"}, {charmap.KOI8U, "Где мой заказ номер 4512"}, {charmap.KOI8U, "Питання щодо замовлення"}, {charmap.Windows1251, "Питання щодо замовлення від учора"},
		{charmap.ISO8859_2, "Pytanie o zamówienie łóżka"}, {charmap.Windows1250, "Czy mogę zwrócić pościel"}, {charmap.Windows1252, "Größe und Farbe ändern"},
	} {
		l := Parse(mail("From: a@example.com", "Subject: "+encode(c.charset, c.s), "", "x"))
		if l.Subject != c.s {
			t.Errorf("%s: %q, not %q", c.charset, l.Subject, c.s)
		}
	}
}

func TestAddressesAsPeopleAndProgramsWriteThem(t *testing.T) {
	for in, want := range map[string]string{
		`Olena <olena@example.com>`:                                   `Olena|olena@example.com`,
		`"Kowalska, Anna" <anna@example.pl>, b@example.pl`:            `Kowalska, Anna|anna@example.pl b@example.pl`,
		`Kowalska, Anna <anna@example.pl>`:                            `Kowalska, Anna|anna@example.pl`,
		`a@example.com; b@example.com`:                                `a@example.com b@example.com`,
		`olena@example.com (Олена)`:                                   `Олена|olena@example.com`,
		`Group: a@example.com, b@example.com;`:                        `a@example.com b@example.com`,
		`undisclosed-recipients:;`:                                    ``,
		`mailto:a@example.com`:                                        `a@example.com`,
		`Olena olena@example.com`:                                     `Olena|olena@example.com`,
		`=?utf-8?B?0J7Qu9C10L3QsCwg0L/RgNC40LLRltGC?= <o@x.ua>`:       `Олена, привіт|o@x.ua`,
		`"o@x.ua" <o@x.ua>`:                                           `o@x.ua`,
		`<o@x.ua`:                                                     `o@x.ua`,
		"evil@example.com\r\n Bcc: other@example.com <b@example.com>": `evil@example.com Bcc: other@example.com|b@example.com`,
	} {
		var got []string
		for _, a := range addresses([]byte(in), "") {
			if a.Name != "" {
				got = append(got, a.Name+"|"+a.Email)
			} else {
				got = append(got, a.Email)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s:\n got %s\nwant %s", in, s, want)
		}
	}
}

func TestRepliesOfTheUsualClients(t *testing.T) {
	const said = "Так, беру два.\nКоли відправите?"
	for name, tail := range map[string]string{
		"gmail uk":       "\n\nпт, 20 лист. 2026 р. о 10:12 Магазин <shop@example.com> пише:\n\n> Добрий день!\n> Є в наявності.",
		"gmail ru":       "\n\nпт, 20 нояб. 2026 г. в 10:12, Магазин <shop@example.com>:\n\n> Добрый день!\n> Есть.",
		"gmail pl":       "\n\npt., 20 lis 2026 o 10:12 Sklep <shop@example.com> napisał(a):\n\n> Dzień dobry!",
		"gmail en":       "\n\nOn Fri, Nov 20, 2026 at 10:12 AM Shop <shop@example.com>\nwrote:\n\n> Hello!",
		"apple uk":       "\n\nНадіслано з iPhone\n\n20 лист. 2026 р. о 10:12 Магазин <shop@example.com> написав(-ла):\n\n> Добрий день",
		"apple ru":       "\n\nОтправлено с iPhone\n\n20 нояб. 2026 г., в 10:12, Магазин <shop@example.com> написал(а):\n\n> Добрый день",
		"apple pl":       "\n\nWysłane z iPhone'a\n\nWiadomość napisana przez Sklep <shop@example.com> w dniu 20.11.2026, o godz. 10:12:\n\n> Dzień dobry",
		"outlook uk":     "\n\n________________________________\nВід: Магазин <shop@example.com>\nНадіслано: п'ятниця, 20 листопада 2026 р. 10:12\nКому: o@example.com\nТема: Замовлення\n\nДобрий день",
		"outlook ru":     "\n\nОт: Магазин <shop@example.com>\nОтправлено: пятница, 20 ноября 2026 г. 10:12\nКому: o@example.com\nТема: Заказ\n\nДобрый день",
		"outlook pl":     "\n\nOd: Sklep <shop@example.com>\nWysłano: piątek, 20 listopada 2026 10:12\nDo: o@example.com\nTemat: Zamówienie\n\nDzień dobry",
		"outlook en":     "\n\n-----Original Message-----\nFrom: Shop <shop@example.com>\nSent: Friday, November 20, 2026 10:12 AM\nTo: o@example.com\nSubject: Order\n\nHello",
		"thunderbird uk": "\n\n20.11.26 10:12, Магазин пише:\n> Добрий день",
		"thunderbird ru": "\n\n20.11.2026 10:12, Магазин пишет:\n> Добрый день",
		"thunderbird pl": "\n\nW dniu 20.11.2026 o 10:12, Sklep pisze:\n> Dzień dobry",
		"ukr.net":        "\n\n20 листопада 2026, 10:12:21, від \"Магазин\" <shop@example.com>:\n\n> Добрий день",
		"yandex":         "\n\n20.11.2026, 10:12, \"Магазин\" <shop@example.com>:\n> Добрый день",
		"mail.ru":        "\n\n--\nОтправлено из Mail.ru для Android\nпятница, 20 ноября 2026г., 10:12 +03:00 от Магазин shop@example.com:\n\n>Добрый день",
		"wp":             "\n\nDnia 20 listopada 2026 10:12 Sklep <shop@example.com> napisał(a):\n\n> Dzień dobry",
		"onet":           "\n\nW dniu 2026-11-20 10:12:21 użytkownik Sklep <shop@example.com> napisał:\n> Dzień dobry",
		"gmail mobile":   "\n\nпт, 20 лист. 2026 р., 10:12 користувач Магазин <shop@example.com> пише:\n\n> Добрий день",
		"yahoo":          "\n\n   On Friday, November 20, 2026 at 10:12:21 AM GMT+2, Shop <shop@example.com> wrote:  \n \n Hello\n We have it.",
		"samsung":        "\n\nНадіслано з мого пристрою Galaxy\n\n-------- Вихідне повідомлення --------\nВід: Магазин <shop@example.com>\nДата: 20.11.26 10:12\nКому: o@example.com\nТема: Re\n\nДобрий день",
		"signature":      "\n\n-- \nОлена Коваль\n+380 67 123 45 67",
		"polite":         "\n\nЗ повагою,\nОлена\n+380 67 123 45 67\nwww.example.com",
	} {
		r := SplitReply(said + tail)
		got := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(r.Said), "Олена"), "\n"))
		got = strings.TrimSpace(strings.TrimSuffix(got, "З повагою,"))
		if got != said {
			t.Errorf("%s: said %q", name, r.Said)
		}
		if r.Quoted == "" {
			t.Errorf("%s: what was folded away is lost", name)
		}
	}
}

func TestWhatLooksLikeAQuoteAndIsNone(t *testing.T) {
	for _, s := range []string{
		"Продавець написав: \"чекайте дзвінка\", але ніхто не дзвонив.",
		"Тема: розмір.\nМені потрібен 42.",
		"She wrote:\nplease call me",
		"Замовив 20.11.2026 о 10:12, досі немає.\nЩо робити?",
		"From my side everything is fine.\nTo be sure, can you check?",
		"> Чи є синій?\nТак, беру.\n> Якого розміру?\n42",
	} {
		if r := SplitReply(s); r.Said != s {
			t.Errorf("%q became %q", s, r.Said)
		}
	}
}

func TestAutomaticLetters(t *testing.T) {
	for name, c := range map[string]struct {
		head []string
		want string
	}{
		"rfc 3834":        {[]string{"Auto-Submitted: auto-replied", "Subject: Hi"}, AutoReply},
		"generated":       {[]string{"Auto-Submitted: auto-generated", "Subject: Report"}, AutoGenerated},
		"person":          {[]string{"Auto-Submitted: no", "Subject: Hi"}, ""},
		"uk subject":      {[]string{"Subject: Автоматична відповідь: Замовлення 15"}, AutoReply},
		"ru subject":      {[]string{"Subject: Автоответ: заказ"}, AutoReply},
		"pl subject":      {[]string{"Subject: Odpowiedź automatyczna: zamówienie"}, AutoReply},
		"en subject":      {[]string{"Subject: Out of Office: your order"}, AutoReply},
		"about vacation":  {[]string{"Subject: Доставка до відпустки"}, ""},
		"order on leave":  {[]string{"Subject: I need it before I leave"}, ""},
		"list":            {[]string{"List-Id: <news.example.com>", "Subject: News"}, AutoBulk},
		"precedence":      {[]string{"Precedence: bulk", "Subject: News"}, AutoBulk},
		"header":          {[]string{"X-Autoreply: yes", "Subject: Re: order"}, AutoReply},
		"null sender":     {[]string{"Return-Path: <>", "Subject: Re: order"}, AutoReply},
		"web form":        {[]string{"Auto-Submitted: auto-generated", "Reply-To: olena@example.com", "Subject: Contact form"}, ""},
		"oof suppression": {[]string{"X-Auto-Response-Suppress: All", "Return-Path: <o@example.com>", "Subject: Re: order"}, ""},
	} {
		l := Parse(mail(append(append([]string{"From: someone@example.com", "To: shop@example.com"}, c.head...), "", "Text of it")...))
		if l.Auto.Kind != c.want {
			t.Errorf("%s: %+v, not %q", name, l.Auto, c.want)
		}
	}
	if l := Parse(mail("From: WordPress <no-reply@shop.ua>", "Reply-To: Олена <o@example.com>", "Subject: Форма", "", "Питання")); l.Correspondent().Email != "o@example.com" {
		t.Errorf("a form's letter is from %v", l.Correspondent())
	}
}

func TestForwardedLettersHaveTheirSender(t *testing.T) {
	for name, body := range map[string]string{
		"gmail":   "Подивіться, будь ласка.\n\n---------- Forwarded message ---------\nВід: Марія <maria@example.com>\nДата: пт, 20 лист. 2026 р. о 10:12\nSubject: Брак\nTo: <o@example.com>\n\nТовар прийшов розбитий.",
		"outlook": "Подивіться, будь ласка.\n\nFrom: Марія <maria@example.com>\nSent: Friday, November 20, 2026 10:12\nTo: o@example.com\nSubject: Брак\n\nТовар прийшов розбитий.",
		"mail.ru": "Подивіться, будь ласка.\n\n-------- Пересылаемое сообщение --------\nОт: Марія maria@example.com\nКому: o@example.com\nДата: 20 ноября 2026\nТема: Брак\n\nТовар прийшов розбитий.",
		"apple":   "Подивіться, будь ласка.\n\nBegin forwarded message:\n\nFrom: Марія <maria@example.com>\nSubject: Брак\nDate: 20 November 2026\nTo: o@example.com\n\nТовар прийшов розбитий.",
	} {
		l := Parse(mail("From: o@example.com", "To: shop@example.com", "Subject: Fwd: Брак", "Content-Type: text/plain; charset=utf-8", "", body))
		if l.Forwarded == nil || l.Forwarded.From.Email != "maria@example.com" || l.Forwarded.Text != "Товар прийшов розбитий." {
			t.Errorf("%s: %+v", name, l.Forwarded)
		}
	}
	l := Parse(mail("From: o@example.com", "Subject: Re: Брак", "Content-Type: text/plain; charset=utf-8", "", "Ок\n\nОт: Магазин <shop@example.com>\nОтправлено: вчера 10:12\nКому: o@example.com\nТема: Брак\n\nДобрый день"))
	if l.Forwarded != nil {
		t.Errorf("an answer was opened as forwarded: %+v", l.Forwarded)
	}
}

func TestPartsOfALetter(t *testing.T) {
	l := Parse(mail("From: o@example.com", "Subject: x", `Content-Type: multipart/mixed; boundary="m"`, "", "--m", `Content-Type: multipart/related; boundary="r"`, "", "--r",
		`Content-Type: multipart/alternative; boundary="a"`, "", "--a", "Content-Type: text/plain", "", "plain", "--a", "Content-Type: text/html", "", `<p>rich <img src="cid:one@x"></p>`, "--a--",
		"--r", "Content-Type: image/png; name=a.png", "Content-ID: <one@x>", "Content-Transfer-Encoding: base64", "", "iVBORw0K", "--r--",
		"--m", `Content-Type: application/pdf`, "Content-Disposition: attachment; filename*=UTF-8''%D0%A7%D0%B5%D0%BA.pdf", "Content-Transfer-Encoding: base64", "", "JVBERg==",
		"--m", "Content-Type: text/calendar; method=REQUEST", "", "BEGIN:VCALENDAR", "METHOD:REQUEST", "BEGIN:VEVENT", "SUMMARY:Дзвінок", "DTSTART:20261120T101200Z", "END:VEVENT", "END:VCALENDAR", "--m--"))
	if l.Text != "plain" || !strings.Contains(l.HTML, "rich") {
		t.Errorf("text %q, html %q", l.Text, l.HTML)
	}
	var got []string
	for _, f := range l.Files {
		got = append(got, fmt.Sprint(f.Name, " ", f.ContentType, " ", f.Inline, " ", len(f.Content) > 0))
	}
	if s := strings.Join(got, "; "); s != "a.png image/png true true; Чек.pdf application/pdf false true; file.ics text/calendar false true" {
		t.Error(s)
	}
	if l.Event == nil || l.Event.Summary != "Дзвінок" || l.Event.Starts.Hour() != 10 {
		t.Errorf("event %+v", l.Event)
	}
}

// winmail builds a winmail.dat with one attachment.
func winmail(body, name string, content []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, tnefMark)
	b = append(b, 1, 0)
	attribute := func(level byte, id uint32, data []byte) {
		b = append(b, level)
		b = binary.LittleEndian.AppendUint32(b, id)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		b = append(append(b, data...), 0, 0)
	}
	attribute(1, attBody, append([]byte(body), 0))
	attribute(2, attRenddata, make([]byte, 14))
	attribute(2, attAttachTitle, append([]byte("SHORT.TXT"), 0))
	attribute(2, attAttachData, content)
	props := binary.LittleEndian.AppendUint32(nil, 1)
	props = binary.LittleEndian.AppendUint16(props, 0x1E)
	props = binary.LittleEndian.AppendUint16(props, mapiAttachName)
	props = binary.LittleEndian.AppendUint32(props, 1)
	props = binary.LittleEndian.AppendUint32(props, uint32(len(name)+1))
	props = append(append(props, name...), make([]byte, pad4(len(name)+1)-len(name))...)
	attribute(2, attAttachment, props)
	return b
}

func TestWinmailIsUnpacked(t *testing.T) {
	l := Parse(append(mail("From: o@example.com", "Subject: x", "Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: binary", "", ""), winmail("Hello", "invoice for you.txt", []byte("content"))...))
	if l.Text != "Hello" || len(l.Files) != 1 || l.Files[0].Name != "invoice for you.txt" || string(l.Files[0].Content) != "content" {
		t.Errorf("%q %+v", l.Text, l.Files)
	}
}

func TestAPersonsWordsAboutAFailedDeliveryAreNoBounce(t *testing.T) {
	for _, body := range []string{"My mail to you could not be delivered: 550 5.1.1 user unknown <shop@example.com>. Where do I write?", "Лист не доставлено, що робити? Mail delivery failed"} {
		l := Parse(mail("From: Olena <olena@example.com>", "Return-Path: <olena@example.com>", "Subject: Delivery failed", "Content-Type: text/plain; charset=utf-8", "", body))
		if l.Bounce != nil {
			t.Errorf("%q: %+v", body, l.Bounce)
		}
	}
}

func TestHostileMailsCostLittle(t *testing.T) {
	deep := "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n"
	for n := range 5000 {
		deep += fmt.Sprintf("--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", n, n+1)
	}
	for name, raw := range map[string]string{
		"deep":         deep,
		"many parts":   "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 20000),
		"long head":    "From: a@example.com\r\nX-A: " + strings.Repeat("a", 3<<20) + "\r\n\r\nhello",
		"many fields":  strings.Repeat("To: a@example.com\r\n", 100000) + "\r\nhello",
		"many quotes":  "From: a@example.com\r\nSubject: " + strings.Repeat("=?utf-8?Q?", 50000) + "\r\n\r\nx",
		"long address": "From: " + strings.Repeat(`"<(`, 50000) + "\r\n\r\nx",
		"long lines":   "From: postmaster@example.com\r\nSubject: undeliverable\r\n\r\n" + strings.Repeat("a@b.co <", 50000),
		"wrote":        "From: a@example.com\r\n\r\n" + strings.Repeat("On 2026-01-01 10:00 a@b.co\n", 20000),
	} {
		l := Parse([]byte(raw))
		SplitReply(l.Text)
		if !utf8.ValidString(l.Text) {
			t.Error(name)
		}
	}
}

func TestQuestionsOfALetter(t *testing.T) {
	for letter, want := range map[string][]string{
		"Добрий день! Коли буде доставка? Чи є синій колір\nДякую, Олена":                {"Коли буде доставка?", "Чи є синій колір Дякую, Олена"},
		"Здравствуйте, подскажите есть ли размер 42. И сколько стоит доставка в Киев?":   {"Здравствуйте, подскажите есть ли размер 42.", "И сколько стоит доставка в Киев?"},
		"Dzień dobry, czy mogę zwrócić buty? Kiedy dostanę pieniądze?\n\n> Co z paczką?": {"Dzień dobry, czy mogę zwrócić buty?", "Kiedy dostanę pieniądze?"},
		"I got it, thanks. All is well.":                                             nil,
		"Please tell me where my parcel is.\n1. Is it insured?\n2. Who delivers it?": {"Please tell me where my parcel is.", "Is it insured?", "Who delivers it?"},
	} {
		got := Questions(letter)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q:\n got %q\nwant %q", letter, got, want)
		}
	}
	open := Check("Коли буде доставка? Чи можна повернути взуття? Яка гарантія на матрац?", "Повернути взуття можна протягом 14 днів.")
	if len(open) != 3 || !open[1].Answered || open[2].Answered {
		t.Errorf("%+v", open)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a@example.com\r\nSubject: =?utf-8?Q?a?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nOn 2026-01-01 a@b.co wrote:\r\n> x\r\n--b--"))
	f.Add(append(mail("From: o@example.com", "Content-Type: application/ms-tnef", "", ""), winmail("Hello", "a.txt", []byte("content"))...))
	f.Add(mail("From: MAILER-DAEMON@example.com", "Return-Path: <>", "Subject: Undelivered", "Content-Type: multipart/report; report-type=delivery-status; boundary=b", "", "--b", "", "failed", "--b", "Content-Type: message/delivery-status", "", "Final-Recipient: rfc822; a@b.co", "Action: failed", "Status: 5.1.1", "--b--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := Parse(raw)
		r := SplitReply(l.Text)
		for _, s := range []string{l.Subject, l.Text, l.HTML, l.From.Email, l.From.Name, l.MessageID, r.Said} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Fatalf("%q can't be stored", s)
			}
		}
		if l.From.Email != "" && strings.ContainsAny(l.From.Email, "\r\n") {
			t.Fatalf("the address %q breaks lines", l.From.Email)
		}
		Questions(l.Text)
	})
}
