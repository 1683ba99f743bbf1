package letter

import (
	"strings"
	"testing"
)

// Replies as more clients write them, in more languages.
func TestRepliesOfMoreClients(t *testing.T) {
	const said = "Ja, ich nehme zwei.\nWann kommt es?"
	for name, tail := range map[string]string{
		"gmail de":         "\n\nAm Fr., 20. Nov. 2026 um 10:12 Uhr schrieb Shop <shop@example.com>:\n\n> Guten Tag!",
		"gmail fr":         "\n\nLe ven. 20 nov. 2026 à 10:12, Shop <shop@example.com> a écrit :\n\n> Bonjour",
		"gmail es":         "\n\nEl vie, 20 nov 2026 a las 10:12, Shop (<shop@example.com>) escribió:\n\n> Hola",
		"gmail it":         "\n\nIl giorno ven 20 nov 2026 alle ore 10:12 Shop <shop@example.com> ha scritto:\n\n> Ciao",
		"gmail pt":         "\n\nEm sex., 20 de nov. de 2026 às 10:12, Shop <shop@example.com> escreveu:\n\n> Olá",
		"gmail nl":         "\n\nOp vr 20 nov 2026 om 10:12 schreef Shop <shop@example.com>:\n\n> Hallo",
		"gmail cs":         "\n\npá 20. 11. 2026 v 10:12 odesílatel Shop <shop@example.com> napsal:\n\n> Dobrý den",
		"gmail tr":         "\n\nShop <shop@example.com>, 20 Kas 2026 Cum, 10:12 tarihinde şunu yazdı:\n\n> Merhaba",
		"gmail ro":         "\n\nÎn vin., 20 nov. 2026 la 10:12, Shop <shop@example.com> a scris:\n\n> Bună",
		"gmail sv":         "\n\nDen fre 20 nov. 2026 kl 10:12 skrev Shop <shop@example.com>:\n\n> Hej",
		"apple de":         "\n\nVon meinem iPhone gesendet\n\n> Am 20.11.2026 um 10:12 schrieb Shop <shop@example.com>:\n> \n> Guten Tag",
		"apple fr":         "\n\nEnvoyé de mon iPhone\n\n> Le 20 nov. 2026 à 10:12, Shop <shop@example.com> a écrit :\n> \n> Bonjour",
		"apple en":         "\n\nSent from my iPhone\n\n> On 20 Nov 2026, at 10:12, Shop <shop@example.com> wrote:\n> \n> Hello",
		"apple uk quoted":  "\n\nНадіслано з iPhone\n\n> 20 лист. 2026 р. о 10:12 Shop <shop@example.com> пише:\n> \n> Добрий день",
		"outlook de":       "\n\nVon: Shop <shop@example.com>\nGesendet: Freitag, 20. November 2026 10:12\nAn: o@example.com\nBetreff: Bestellung\n\nGuten Tag",
		"outlook fr":       "\n\nDe : Shop <shop@example.com>\nEnvoyé : vendredi 20 novembre 2026 10:12\nÀ : o@example.com\nObjet : Commande\n\nBonjour",
		"outlook es":       "\n\nDe: Shop <shop@example.com>\nEnviado: viernes, 20 de noviembre de 2026 10:12\nPara: o@example.com\nAsunto: Pedido\n\nHola",
		"outlook it":       "\n\nDa: Shop <shop@example.com>\nInviato: venerdì 20 novembre 2026 10:12\nA: o@example.com\nOggetto: Ordine\n\nCiao",
		"outlook mobile":   "\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>\n________________________________\nFrom: Shop <shop@example.com>\nSent: Friday, November 20, 2026 10:12:21 AM\nTo: o@example.com <o@example.com>\nSubject: Order\n\nHello",
		"outlook ios uk":   "\n\nОтримати Outlook для iOS<https://aka.ms/o0ukef>\n________________________________\nВід: Shop <shop@example.com>\nНадіслано: п'ятниця, 20 листопада 2026 р. 10:12:21\nКому: o@example.com\nТема: Re: Замовлення\n\nДобрий день",
		"thunderbird en":   "\n\nOn 20/11/2026 10:12, Shop wrote:\n> Hello",
		"thunderbird de":   "\n\nAm 20.11.26 um 10:12 schrieb Shop:\n> Guten Tag",
		"thunderbird fr":   "\n\nLe 20/11/2026 à 10:12, Shop a écrit :\n> Bonjour",
		"forum style":      "\n\n-------- Original message --------\nFrom: Shop <shop@example.com>\nDate: 20/11/2026 10:12 (GMT+02:00)\nTo: o@example.com\nSubject: Re: Order\n\nHello",
		"original de":      "\n\n-------- Ursprüngliche Nachricht --------\nVon: Shop <shop@example.com>\nDatum: 20.11.26 10:12 (GMT+02:00)\nAn: o@example.com\nBetreff: Re: Bestellung\n\nGuten Tag",
		"proton":           "\n\nSent with Proton Mail secure email.\n\nOn Friday, November 20th, 2026 at 10:12 AM, Shop <shop@example.com> wrote:\n\n> Hello",
		"reply above line": "\n\n##- Please type your reply above this line -##\n\nHello from the shop",
	} {
		r := SplitReply(said + tail)
		if strings.TrimSpace(r.Said) != said {
			t.Errorf("%s: said %q", name, r.Said)
		}
		if r.Quoted == "" {
			t.Errorf("%s: what was folded away is lost", name)
		}
	}
}

// What servers and programs write when a letter couldn't be delivered.
func TestMoreReports(t *testing.T) {
	dsn := func(human, machine, original string) []byte {
		return mail("From: postmaster@mx.example.net", "Return-Path: <>", "To: help@shop.example", "Subject: Delivery Status Notification", `Content-Type: multipart/report; report-type=delivery-status; boundary="b"`, "",
			"--b", "Content-Type: text/plain", "", human, "--b", "Content-Type: message/delivery-status", "", machine, "--b", "Content-Type: text/rfc822-headers", "", original, "", "--b--")
	}
	for name, c := range map[string]struct {
		raw               []byte
		kind, to, id, why string
	}{
		"rfc 3464":           {dsn("It failed", "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; olena@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user", "Message-ID: <o1@shop.example>"), BounceFailed, "olena@example.com", "o1@shop.example", "no such user"},
		"original recipient": {dsn("It failed", "Reporting-MTA: dns; mx\r\n\r\nOriginal-Recipient: rfc822;olena@example.com\r\nFinal-Recipient: rfc822;olena@inside.local\r\nAction: failed\r\nStatus: 5.2.2", "Message-ID: <o1@shop.example>"), BounceFailed, "olena@example.com", "o1@shop.example", ""},
		"delayed":            {dsn("Later", "Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; olena@example.com\r\nAction: delayed\r\nStatus: 4.4.1", "Message-ID: <o1@shop.example>"), BounceDelayed, "olena@example.com", "o1@shop.example", ""},
		"delivered":          {dsn("Done", "Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; olena@example.com\r\nAction: delivered\r\nStatus: 2.0.0", "Message-ID: <o1@shop.example>"), BounceDelivered, "olena@example.com", "o1@shop.example", ""},
		"qmail": {mail("From: MAILER-DAEMON@mx.example.net", "Return-Path: <>", "Subject: failure notice", "", "Hi. This is the qmail-send program at mx.example.net.", "I'm afraid I wasn't able to deliver your message to the following addresses.", "This is a permanent error; I've given up. Sorry it didn't work out.", "",
			"<olena@example.com>:", "192.0.2.1 does not like recipient.", "Remote host said: 550 5.1.1 User unknown", "Giving up on 192.0.2.1.", "", "--- Below this line is a copy of the message.", "", "Return-Path: <help@shop.example>", "Message-ID: <o1@shop.example>", "Subject: Re: Order", "", "Hello"), BounceFailed, "olena@example.com", "o1@shop.example", "User unknown"},
		"exim": {mail("From: Mail Delivery System <Mailer-Daemon@mx.example.net>", "Return-Path: <>", "X-Failed-Recipients: olena@example.com", "Auto-Submitted: auto-replied", "Subject: Mail delivery failed: returning message to sender", "", "This message was created automatically by mail delivery software.", "",
			"A message that you sent could not be delivered to one or more of its", "recipients. This is a permanent error. The following address(es) failed:", "", "  olena@example.com", "    host mx.example.com [192.0.2.1]", "    SMTP error from remote mail server after RCPT TO:<olena@example.com>:", "    550 5.1.1 No such user here", "",
			"------ This is a copy of the message, including all the headers. ------", "", "Message-ID: <o1@shop.example>", "Subject: Re: Order", "", "Hello"), BounceFailed, "olena@example.com", "o1@shop.example", "No such user"},
		"exchange uk": {mail("From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.net>", "Return-Path: <>", "Subject: Не вдалося доставити: Re: Замовлення", `Content-Type: multipart/report; report-type=delivery-status; boundary="b"`, "", "--b", "Content-Type: text/plain; charset=utf-8", "", "Не вдалося доставити", "--b", "Content-Type: message/delivery-status", "",
			"Reporting-MTA: dns;EX01.example.net", "", "Final-recipient: RFC822;olena@example.com", "Action: failed", "Status: 5.1.10", "Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", "--b", "Content-Type: message/rfc822", "", "Message-ID: <o1@shop.example>", "Subject: Re", "", "x", "--b--"), BounceFailed, "olena@example.com", "o1@shop.example", "not found"},
		"gmail": {mail("From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Return-Path: <>", "Auto-Submitted: auto-replied", "X-Failed-Recipients: olena@example.com", "Subject: Delivery Status Notification (Failure)", "In-Reply-To: <o1@shop.example>", "References: <o1@shop.example>", "", "** Address not found **", "", "Your message wasn't delivered to olena@example.com because the address couldn't be found, or is unable to receive mail.", "",
			"The response from the remote server was:", "550 5.1.1 The email account that you tried to reach does not exist."), BounceFailed, "olena@example.com", "o1@shop.example", "couldn't be found"},
		"postfix in words": {mail("From: MAILER-DAEMON@mx.example.net (Mail Delivery System)", "Return-Path: <>", "Subject: Undelivered Mail Returned to Sender", "", "This is the mail system at host mx.example.net.", "", "I'm sorry to have to inform you that your message could not", "be delivered to one or more recipients. It's attached below.", "",
			"<olena@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1", "    <olena@example.com>: Recipient address rejected: User unknown (in reply to", "    RCPT TO command)"), BounceFailed, "olena@example.com", "", "User unknown"},
	} {
		l := Parse(c.raw)
		if l.Bounce == nil || len(l.Bounce.Recipients) != 1 {
			t.Errorf("%s: %+v", name, l.Bounce)
			continue
		}
		r := l.Bounce.Recipients[0]
		if l.Bounce.Kind != c.kind || r.Email != c.to || l.Bounce.OriginalID != c.id || !strings.Contains(strings.ReplaceAll(r.Reason, "\n", " "), c.why) {
			t.Errorf("%s: %s of %q to %s: %q %q", name, l.Bounce.Kind, l.Bounce.OriginalID, r.Email, r.Status, r.Reason)
		}
	}
}

func TestMoreAutomaticLetters(t *testing.T) {
	for name, c := range map[string]struct {
		head []string
		want string
	}{
		"exchange oof":        {[]string{"X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", "Subject: Automatic reply: Order"}, AutoReply},
		"gmail vacation":      {[]string{"Precedence: bulk", "X-Autoreply: yes", "Auto-Submitted: auto-replied", "Subject: I'm away Re: Order"}, AutoReply},
		"cpanel":              {[]string{"X-Autorespond: Order", "Precedence: auto_reply", "Subject: Thank you"}, AutoReply},
		"helpdesk":            {[]string{"Auto-Submitted: auto-generated", "In-Reply-To: <o1@shop.example>", "Subject: [Ticket 12] We have received your request"}, AutoGenerated},
		"de oof":              {[]string{"Subject: Automatische Antwort: Bestellung"}, AutoReply},
		"fr oof":              {[]string{"Subject: Réponse automatique : Commande"}, AutoReply},
		"cs oof":              {[]string{"Subject: Automatická odpověď: Objednávka"}, AutoReply},
		"ru vacation":         {[]string{"Subject: Автоматический ответ: Заказ"}, AutoReply},
		"loop header":         {[]string{"X-Loop: help@example.com", "X-Auto-Response-Suppress: All", "Return-Path: <>", "Subject: Re: Order"}, AutoReply},
		"newsletter":          {[]string{"List-Unsubscribe: <https://example.com/u>", "Subject: Sale"}, AutoBulk},
		"a person's priority": {[]string{"Precedence: normal", "Subject: Order"}, ""},
		"a person on a list":  {[]string{"Auto-Submitted: no", "Subject: Re: Order"}, ""},
	} {
		l := Parse(mail(append(append([]string{"From: someone@example.com", "To: shop@example.com"}, c.head...), "Content-Type: text/plain; charset=utf-8", "", "Text of it")...))
		if l.Auto.Kind != c.want {
			t.Errorf("%s: %+v, not %q", name, l.Auto, c.want)
		}
	}
}
