package account

import (
	"context"
	"errors"
	"time"

	"opeka/internal/account/query"
	"opeka/internal/care"
	"opeka/internal/db"
)

// Claim is a request that is to be carried out once.
type Claim struct {
	Caller      string // whose key it is
	Key         string
	RequestHash string
}

func (c Claim) bound() string { return "idempotency:" + c.Caller + ":" + c.Key }

// Answer is what a claimed request was answered.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// idempotencyAge is how long a key is remembered.
const idempotencyAge = 24 * time.Hour

// Answered returns the answer to an earlier request with the same key, or nil when there was none. Another request
// under the key is refused, and so is one that was carried out while its answer was lost.
func (a *Accounts) Answered(ctx context.Context, c Claim) (*Answer, error) {
	r, err := a.read().Idempotent(ctx, query.IdempotentParams{Caller: c.Caller, Key: c.Key, CreatedAt: db.At(a.db.Now().Add(-idempotencyAge))})
	switch {
	case errors.Is(err, db.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case r.RequestHash != c.RequestHash:
		return nil, care.Invalid("Idempotency-Key", "idempotency.mismatch")
	case r.Status == 0:
		return nil, care.Conflict("idempotency.unfinished")
	}
	body, err := a.sealer.Open(r.Response, c.bound())
	return &Answer{int(r.Status), r.ContentType, body}, err
}

// Claim takes the key within the transaction of the effect; of two requests at once one is refused.
func (a *Accounts) Claim(ctx context.Context, tx *db.Tx, c Claim) error {
	n, err := query.New(tx).ClaimIdempotency(ctx, query.ClaimIdempotencyParams{
		Caller: c.Caller, Key: c.Key, RequestHash: c.RequestHash, Response: []byte{}, CreatedAt: db.At(tx.Now), CreatedAt_2: db.At(tx.Now.Add(-idempotencyAge)),
	})
	if err == nil && n == 0 {
		return care.Conflict("idempotency.unfinished")
	}
	return err
}

// Answer keeps what a claimed request was answered, sealed: it may be a new key's secret.
func (a *Accounts) Answer(ctx context.Context, c Claim, answer Answer) error {
	return a.db.Write(ctx, db.System, func(tx *db.Tx) error {
		return query.New(tx).AnswerIdempotency(ctx, query.AnswerIdempotencyParams{
			Caller: c.Caller, Key: c.Key, RequestHash: c.RequestHash, Status: int64(answer.Status), ContentType: answer.ContentType, Response: a.sealer.Seal(answer.Body, c.bound()), CreatedAt: db.At(tx.Now),
		})
	})
}
