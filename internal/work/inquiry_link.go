package work

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/text"
)

// LinkPath is below which the door for departments without accounts stands.
const LinkPath = "/i/"

const macBytes = 16

// link is the address at which an inquiry can be answered by whoever has it. It names the inquiry and proves that we made it; it dies with the question.
func (w *Work) link(id int64) string { return w.o.PublicURL + LinkPath + w.Token(id) }

// Token is the part of a link that can't be guessed.
func (w *Work) Token(id int64) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(id))
	return base64.RawURLEncoding.EncodeToString(append(b, w.mac(b)...))
}

func (w *Work) mac(b []byte) []byte {
	h := hmac.New(sha256.New, w.o.Key)
	h.Write(b)
	return h.Sum(nil)[:macBytes]
}

// ByToken returns the inquiry of a link: what a department may see of it, without the customer.
func (w *Work) ByToken(ctx context.Context, token string) (Inquiry, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 8+macBytes || !hmac.Equal(b[8:], w.mac(b[:8])) {
		return Inquiry{}, care.NotFound("inquiry")
	}
	i, err := scanInquiry(w.db.Read().QueryRow(ctx, `SELECT `+inquiryColumns+` WHERE i.id = $1`, int64(binary.BigEndian.Uint64(b))))
	if err != nil {
		return i, missing(err, "inquiry")
	}
	i.Customer, i.CustomerName, i.Conversation = 0, "", 0
	return i, nil
}

// LanguageOf is in which language a department reads.
func (w *Work) LanguageOf(ctx context.Context, i Inquiry) (string, error) {
	s, err := w.settings(ctx, i.Store, i.Department)
	return s.Language, err
}

// AnswerByToken takes the answer of whoever has the link; name is who he says he is.
func (w *Work) AnswerByToken(ctx context.Context, token, name string, r Reply) error {
	shown, err := w.ByToken(ctx, token)
	if err != nil {
		return err
	}
	name = strings.TrimSpace(name)
	if err := text.ValidText(name, 100); err != nil {
		return care.Invalid("name", "text_invalid")
	}
	i, err := scanInquiry(w.db.Read().QueryRow(ctx, `SELECT `+inquiryColumns+` WHERE i.id = $1`, shown.ID))
	if err != nil {
		return missing(err, "inquiry")
	}
	return w.answer(ctx, db.Actor{Kind: "department", ID: i.Department}, i, r, 0, name)
}
