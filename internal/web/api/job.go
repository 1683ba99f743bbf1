package api

import (
	"context"
	"net/http"
	"slices"

	"opeka/internal/care"
	"opeka/internal/db"
	"opeka/internal/job"
)

// registerJobs lists the operations on work that was put aside because it failed for good or too often.
func (a *API) registerJobs() {
	const tag = "Jobs"
	operations := needs(care.PermOperations)

	register(a, op{ID: "list-dead-jobs", Method: "GET", Path: "/jobs/dead", Tag: tag, Summary: "List jobs that failed for good, latest first", Access: operations},
		func(ctx context.Context, in *struct {
			Paging
			InStore
		}) (*Out[List[job.Dead]], error) {
			p, err := in.page()
			if err != nil {
				return nil, err
			}
			rows, err := job.ListDead(ctx, a.DB.Read(), jobStores(ctx, in.StoreID), p.After, int(p.Limit))
			return pageByID(in.Paging, rows, func(d job.Dead) int64 { return d.ID }, err)
		})
	register(a, op{ID: "retry-dead-job", Method: "POST", Path: "/jobs/dead/{id}/retry", Tag: tag, Summary: "Give a failed job a new life", Access: operations, Status: http.StatusNoContent},
		func(ctx context.Context, in *ByID) (*None, error) {
			return a.onDeadJob(ctx, in.ID, job.Retry)
		})
	register(a, op{ID: "discard-dead-job", Method: "POST", Path: "/jobs/dead/{id}/discard", Tag: tag, Summary: "Give a failed job up", Detail: "It will never be done.", Access: operations, Status: http.StatusNoContent},
		func(ctx context.Context, in *ByID) (*None, error) {
			return a.onDeadJob(ctx, in.ID, job.Drop)
		})
}

// onDeadJob acts on a job of the caller's stores; any other isn't there.
func (a *API) onDeadJob(ctx context.Context, id int64, act func(context.Context, *db.Tx, int64, []int64) (bool, error)) (*None, error) {
	var found bool
	err := a.DB.Write(ctx, by(ctx).Actor(), func(tx *db.Tx) (err error) {
		found, err = act(ctx, tx, id, jobStores(ctx, 0))
		return err
	})
	if err == nil && !found {
		err = care.NotFound("job")
	}
	return none(err)
}

// jobStores are the stores whose jobs the caller looks after; an owner's are the installation's own (store 0) too.
func jobStores(ctx context.Context, only int64) []int64 {
	stores := scope(ctx).StoresWith(care.PermOperations, only)
	if caller(ctx).Owner && only == 0 {
		stores = append(slices.Clip(stores), 0)
	}
	return stores
}
