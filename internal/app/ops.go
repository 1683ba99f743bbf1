package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"opeka/internal/db"
	"opeka/internal/job"
)

// health adds what a load balancer asks: /healthz while the process lives, /readyz while it can serve.
func (a *App) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		state := map[string]string{"database": "ok", "files": "ok", "bus": "ok"}
		status := http.StatusOK
		fail := func(part string, err error) {
			if err != nil {
				a.Log.Warn("not ready", "part", part, "err", err)
				state[part], status = "unavailable", http.StatusServiceUnavailable
			}
		}
		var one int64
		fail("database", a.DB.Read().QueryRow(ctx, "SELECT 1").Scan(&one))
		fail("files", a.Files.Check(ctx))
		fail("bus", a.Bus.Err())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(state)
	})
}

// serveMetrics serves Prometheus' page on an address of its own, which isn't for the outside.
func (a *App) serveMetrics() (*http.Server, error) {
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second}
	if a.Config.MetricsListen == "" {
		return server, nil
	}
	l, err := net.Listen("tcp", a.Config.MetricsListen)
	if err != nil {
		// A second installation on one machine shouldn't fail for its metrics alone.
		a.Log.Warn("metrics are not served", "err", err)
		return server, nil
	}
	own := prometheus.NewRegistry()
	own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), jobMetrics{a.DB, a.Jobs})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{own, a.Live.Metrics()}, promhttp.HandlerOpts{}))
	server.Handler = mux
	go func() { _ = server.Serve(l) }()
	return server, nil
}

// jobMetrics reads the jobs' state when it is asked for.
type jobMetrics struct {
	db   *db.DB
	jobs *job.Runner
}

var (
	jobsDone    = prometheus.NewDesc("opeka_jobs_done_total", "Jobs that had their effect.", nil, nil)
	jobsFailed  = prometheus.NewDesc("opeka_jobs_failed_total", "Attempts that failed.", nil, nil)
	jobsFenced  = prometheus.NewDesc("opeka_jobs_fenced_total", "Attempts whose effect was dropped since another node had taken the job.", nil, nil)
	jobsWaiting = prometheus.NewDesc("opeka_jobs", "Jobs in the table.", []string{"state"}, nil)
	jobsLate    = prometheus.NewDesc("opeka_jobs_late_seconds_total", "How late jobs began after their time, summed up.", nil, nil)
	jobsBegun   = prometheus.NewDesc("opeka_jobs_begun_total", "Jobs begun for the first time.", nil, nil)
	jobsMaxLate = prometheus.NewDesc("opeka_jobs_late_seconds_max", "The latest start since the program began.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m jobMetrics) Describe(c chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, c) }

// Collect implements prometheus.Collector.
func (m jobMetrics) Collect(c chan<- prometheus.Metric) {
	s := &m.jobs.Stats
	c <- prometheus.MustNewConstMetric(jobsDone, prometheus.CounterValue, float64(s.Done.Load()))
	c <- prometheus.MustNewConstMetric(jobsFailed, prometheus.CounterValue, float64(s.Failed.Load()))
	c <- prometheus.MustNewConstMetric(jobsFenced, prometheus.CounterValue, float64(s.Fenced.Load()))
	c <- prometheus.MustNewConstMetric(jobsBegun, prometheus.CounterValue, float64(s.Begun.Load()))
	c <- prometheus.MustNewConstMetric(jobsLate, prometheus.CounterValue, time.Duration(s.LateNanos.Load()).Seconds())
	c <- prometheus.MustNewConstMetric(jobsMaxLate, prometheus.GaugeValue, time.Duration(s.MaxLateNanos.Load()).Seconds())
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if ready, overdue, dead, err := job.Backlog(ctx, m.db); err == nil {
		c <- prometheus.MustNewConstMetric(jobsWaiting, prometheus.GaugeValue, float64(ready), "ready")
		c <- prometheus.MustNewConstMetric(jobsWaiting, prometheus.GaugeValue, float64(overdue), "overdue")
		c <- prometheus.MustNewConstMetric(jobsWaiting, prometheus.GaugeValue, float64(dead), "dead")
	}
}

// tracing tells whether the environment names somewhere to send traces to.
func tracing() bool {
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// startTraces sends OpenTelemetry traces where the standard OTEL_EXPORTER_OTLP_* variables say; without them nothing is traced.
func startTraces(ctx context.Context, _ Config) (stop func(context.Context) error, err error) {
	if !tracing() {
		return func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	p := trace.NewTracerProvider(trace.WithBatcher(exporter),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", "opeka"), attribute.String("service.version", Version))))
	otel.SetTracerProvider(p)
	return p.Shutdown, nil
}
