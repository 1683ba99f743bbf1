package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"opeka/internal/account"
	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
	"opeka/internal/text"
	"opeka/internal/webhook/query"
)

// Kinds of jobs.
const (
	JobFan  = "webhook.fan"  // an event: one delivery per endpoint that wants it
	JobSend = "webhook.send" // a delivery
	jobTidy = "webhook.tidy"
)

// States of a delivery.
const (
	Waiting   = "waiting"
	Delivered = "delivered"
	Failed    = "failed"
)

// attempts spans about a day and a half by the jobs' backoff.
const attempts = 20

// Jobs registers the room's work.
func (w *Webhooks) Jobs(r *job.Runner) {
	r.Handle(JobFan, job.InTx(w.fan))
	r.Handle(JobSend, w.send, job.Slow)
	r.Every(jobTidy, 6*time.Hour, job.InTx(func(ctx context.Context, tx *db.Tx, _ job.Job) error {
		_, err := query.New(tx).ForgetDeliveries(ctx, db.At(tx.Now.Add(-keepDelivered)))
		return err
	}))
}

// Wire makes every event that can be asked for come here, for stores that have an endpoint.
func (w *Webhooks) Wire(d *db.DB) {
	for _, e := range Events {
		d.RouteIf(e, JobFan, w.Wanted)
	}
}

// told is the body: the event as it was kept.
type told struct {
	Type      string          `json:"type"`
	Timestamp string          `json:"timestamp"`
	Event     int64           `json:"event_id"`
	Store     int64           `json:"store_id"`
	Subject   int64           `json:"subject_id"`
	Data      json.RawMessage `json:"data"`
}

func (w *Webhooks) fan(ctx context.Context, tx *db.Tx, j job.Job) error {
	q := query.New(tx)
	endpoints, err := q.ActiveEndpoints(ctx, j.Event.Store)
	if err != nil {
		return err
	}
	e := j.Event
	body, err := json.Marshal(told{e.Type, e.At.UTC().Format(time.RFC3339Nano), e.ID, e.Store, e.Subject, e.Payload})
	if err != nil {
		return job.Discard(err)
	}
	for _, to := range endpoints {
		if !wants(to, e.Type) {
			continue
		}
		id := tx.ID()
		n, err := q.InsertDelivery(ctx, query.InsertDeliveryParams{ID: id, EndpointID: to.ID, StoreID: e.Store, EventID: e.ID, EventType: e.Type, Body: string(body), CreatedAt: db.At(tx.Now)})
		if err != nil {
			return err
		}
		if n > 0 {
			tx.Enqueue(db.Job{Store: e.Store, Kind: JobSend, Payload: id, MaxAttempts: attempts})
		}
	}
	return nil
}

func (w *Webhooks) send(ctx context.Context, j job.Job) (job.Done, error) {
	var id int64
	if err := j.Decode(&id); err != nil {
		return nil, err
	}
	q := query.New(w.db.Read())
	d, err := q.Delivery(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil // its endpoint was deleted
	}
	if err != nil {
		return nil, err
	}
	to, err := q.Endpoint(ctx, d.EndpointID)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return nil, err
	}
	if err != nil || !to.Active {
		return w.record(ctx, d, to, result{answer: "the endpoint is switched off", final: true}), nil
	}
	r := w.post(ctx, to, d)
	r.final = r.ok || j.Attempt >= attempts
	done := w.record(ctx, d, to, r)
	if r.final {
		return done, nil
	}
	// The attempt is kept although the job goes on.
	if err := w.db.Write(context.WithoutCancel(ctx), db.System, done); err != nil {
		return nil, err
	}
	if r.after > 0 {
		return nil, job.After(r.after, errors.New(r.answer))
	}
	return nil, errors.New(r.answer)
}

type result struct {
	ok, final bool
	status    int
	answer    string
	took      time.Duration
	after     time.Duration // as the receiver asked
}

// post sends one delivery; a 2xx answer is success, anything else is a failure to be tried again.
func (w *Webhooks) post(ctx context.Context, to query.WebhookEndpoint, d query.WebhookDelivery) result {
	now := w.db.Now()
	signature, err := w.sign(to, d, now)
	if err != nil {
		return result{answer: err.Error()}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Url, bytes.NewReader([]byte(d.Body)))
	if err != nil {
		return result{answer: err.Error()}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Opeka-Webhooks/1")
	r.Header.Set(standard.HeaderWebhookID, "msg_"+strconv.FormatInt(d.ID, 10))
	r.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standard.HeaderWebhookSignature, signature)
	began := time.Now()
	answer, err := w.client.Do(r)
	took := time.Since(began)
	if err != nil {
		return result{answer: err.Error(), took: took}
	}
	defer answer.Body.Close()
	head, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
	out := result{ok: answer.StatusCode/100 == 2, status: answer.StatusCode, answer: fmt.Sprintf("%s %s", answer.Status, text.Repair(string(head))), took: took}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && !out.ok && seconds > 0 {
		out.after = min(time.Duration(seconds)*time.Second, 3*time.Hour)
	}
	return out
}

// sign signs with the secret and, for a day after a rotation, with the one before too.
func (w *Webhooks) sign(to query.WebhookEndpoint, d query.WebhookDelivery, now time.Time) (string, error) {
	sealed := [][]byte{to.Secret}
	if len(to.OldSecret) > 0 && to.OldUntilAt > db.At(now) {
		sealed = append(sealed, to.OldSecret)
	}
	var out string
	for _, s := range sealed {
		secret, err := w.sealer.Open(s, bound(to.ID))
		if err != nil {
			return "", err
		}
		hook, err := standard.NewWebhook(string(secret))
		if err != nil {
			return "", err
		}
		signature, err := hook.Sign("msg_"+strconv.FormatInt(d.ID, 10), now, []byte(d.Body))
		if err != nil {
			return "", err
		}
		if out != "" {
			out += " "
		}
		out += signature
	}
	return out, nil
}

// record keeps how an attempt ended, and switches off an endpoint that has failed for days.
func (w *Webhooks) record(ctx context.Context, d query.WebhookDelivery, to query.WebhookEndpoint, r result) job.Done {
	state := Waiting
	switch {
	case r.ok:
		state = Delivered
	case r.final:
		state = Failed
	}
	return func(tx *db.Tx) error {
		q := query.New(tx)
		err := q.Attempted(ctx, query.AttemptedParams{State: state, Status: int64(r.status), Answer: text.Preview(r.answer, 1000), TookMs: r.took.Milliseconds(), AttemptedAt: db.At(tx.Now), ID: d.ID})
		if err != nil || to.ID == 0 {
			return err
		}
		if r.ok {
			return q.EndpointWorks(ctx, to.ID)
		}
		since, err := q.EndpointFails(ctx, query.EndpointFailsParams{FailingSinceAt: db.At(tx.Now), ID: to.ID})
		if err != nil || tx.Now.Sub(since.Time()) < giveUpAfter {
			return err
		}
		tx.AfterCommit(func() { w.forget(); w.bus.Publish(topicChanged, nil) })
		return q.DisableEndpoint(ctx, query.DisableEndpointParams{Disabled: "failing", UpdatedAt: db.At(tx.Now), ID: to.ID})
	}
}

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID          int64   `json:"id"`
	Endpoint    int64   `json:"endpoint_id"`
	Event       int64   `json:"event_id"`
	Type        string  `json:"type"`
	Body        string  `json:"body"`
	State       string  `json:"state" enum:"waiting,delivered,failed"`
	Attempts    int64   `json:"attempts"`
	Status      int64   `json:"status" doc:"HTTP status of the last answer; 0: there was none"`
	Answer      string  `json:"answer"`
	TookMS      int64   `json:"took_ms"`
	CreatedAt   db.Time `json:"created_at"`
	AttemptedAt db.Time `json:"attempted_at"`
}

// Deliveries returns the newest deliveries of an endpoint with ids below p.After (0: the newest).
func (w *Webhooks) Deliveries(ctx context.Context, by account.By, endpoint int64, p account.Page) ([]Delivery, error) {
	if _, err := w.own(ctx, by, endpoint); err != nil {
		return nil, err
	}
	before := p.After
	if before == 0 {
		before = 1 << 62
	}
	rows, err := query.New(w.db.Read()).Deliveries(ctx, query.DeliveriesParams{Endpoint: endpoint, Before: before, Lim: p.Limit})
	out := make([]Delivery, len(rows))
	for i, r := range rows {
		out[i] = Delivery{r.ID, r.EndpointID, r.EventID, r.EventType, r.Body, r.State, r.Attempts, r.Status, r.Answer, r.TookMs, r.CreatedAt, r.AttemptedAt}
	}
	return out, err
}

// Replay sends a delivery again, with the same webhook-id, so that a receiver that had it knows.
func (w *Webhooks) Replay(ctx context.Context, by account.By, id int64) error {
	d, err := query.New(w.db.Read()).Delivery(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return care.NotFound("delivery")
	}
	if err != nil {
		return err
	}
	if _, err := w.own(ctx, by, d.EndpointID); err != nil {
		if errors.Is(err, care.NotFound("")) {
			return care.NotFound("delivery")
		}
		return err
	}
	if d.State == Waiting {
		return care.Conflict("delivery_waiting")
	}
	return w.db.Write(ctx, by.Actor(), func(tx *db.Tx) error {
		w.audit(tx, by, d.StoreID, "webhook.replayed", d.EndpointID, nil, map[string]any{"delivery": id})
		tx.Enqueue(db.Job{Store: d.StoreID, Kind: JobSend, Payload: id, MaxAttempts: attempts})
		return query.New(tx).Again(ctx, id)
	})
}
