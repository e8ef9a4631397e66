// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package service is what the three shops' services share: a server, a middleware that swallows
// panics, and a ledger of what the program itself knows to have done.
package service

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// latencies are those of the last half minute, and of the calm before.
const window = 30 * time.Second

// Truth counts what happened. deferd sees the same from outside; a test compares the two.
type Truth struct {
	Requests    atomic.Int64 // finished calls of /work
	Defers      atomic.Int64 // defers registered in loops
	Panics      atomic.Int64
	Recovered   atomic.Int64
	FilesLeaked atomic.Int64

	audited atomic.Int64

	calm  time.Duration // from the start until the disk of the audit log is slow
	mu    sync.Mutex
	took  []request // finished calls of /work
	usual float64   // ms: 95th percentile at the end of the calm

	started   time.Time
	firstLeak atomic.Int64 // nanoseconds after started
	lastLeak  atomic.Int64
}

// Report is the answer of /debug/truth.
type Report struct {
	Requests         int64   `json:"requests"`
	DefersRegistered int64   `json:"defers_registered"`
	Panics           int64   `json:"panics"`
	Recovered        int64   `json:"recovered"`
	FilesLeaked      int64   `json:"files_leaked"`
	OpenFiles        int     `json:"open_files"`
	LeakPerSecond    float64 `json:"leak_per_second"`
	StartedUnixMs    int64   `json:"started_unix_ms"`
	P95Ms            float64 `json:"p95_ms"`      // of the last half minute
	P95RiseMs        float64 `json:"p95_rise_ms"` // above that of the calm; 0 until it is over
	DefersMean       float64 `json:"defers_mean"` // of the last half minute
}

type request struct {
	end    time.Time
	took   time.Duration
	defers int64 // of all requests up to this one
}

// Audit is what each deferred call of a request does beside its work: it writes to a log, which goes to disk
// with every so many entries. When the calm is over, the disk is slow.
func (t *Truth) Audit(every int64, slow time.Duration) {
	if t.audited.Add(1)%every == 0 && time.Since(t.started) > t.calm {
		time.Sleep(slow)
	}
}

// recent returns the 95th percentile in ms and the mean of defers of requests that ended in the half minute before.
// Called with the lock.
func (t *Truth) recent(end time.Time) (p95, defers float64) {
	var took []time.Duration
	var first, last int64
	for _, r := range t.took {
		if r.end.After(end.Add(-window)) && !r.end.After(end) {
			if len(took) == 0 {
				first = r.defers
			}
			last = r.defers
			took = append(took, r.took)
		}
	}
	if len(took) < 2 {
		return 0, 0
	}
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	return took[(len(took)*95+99)/100-1].Seconds() * 1e3, float64(last-first) / float64(len(took)-1)
}

// finish notes a request; what nobody will ask for any more is forgotten.
func (t *Truth) finish(begin time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end := time.Now()
	t.took = append(t.took, request{end, end.Sub(begin), t.Defers.Load()})
	if len(t.took) > 20000 {
		t.took = append([]request(nil), t.took[10000:]...)
	}
}

// Leak notes one file that nobody will close.
func (t *Truth) Leak() {
	at := int64(time.Since(t.started))
	if t.FilesLeaked.Add(1) == 1 {
		t.firstLeak.Store(at)
	}
	t.lastLeak.Store(at)
}

func (t *Truth) report() Report {
	r := Report{
		Requests:         t.Requests.Load(),
		DefersRegistered: t.Defers.Load(),
		Panics:           t.Panics.Load(),
		Recovered:        t.Recovered.Load(),
		FilesLeaked:      t.FilesLeaked.Load(),
		OpenFiles:        openFiles(),
		StartedUnixMs:    t.started.UnixMilli(),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	r.P95Ms, r.DefersMean = t.recent(now)
	if end := t.started.Add(t.calm); now.After(end) {
		if t.usual == 0 {
			t.usual, _ = t.recent(end)
		}
		r.P95RiseMs = r.P95Ms - t.usual
	}
	// From the first leak to the last, so that idle time before and after does not dilute it.
	if span := t.lastLeak.Load() - t.firstLeak.Load(); r.FilesLeaked > 1 && span > 0 {
		r.LeakPerSecond = float64(r.FilesLeaked-1) / time.Duration(span).Seconds()
	}
	return r
}

// openFiles counts this process's descriptors, without the one that counting needs; -1 when it
// cannot be opened any more.
func openFiles() int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return -1
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return -1
	}
	return len(names) - 1
}

// swallowPanics keeps one customer's crash from taking down the others, and tells nobody about it.
func (t *Truth) swallowPanics(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer t.Requests.Add(1)
		defer t.finish(time.Now())
		defer func() {
			if v := recover(); v != nil {
				t.Panics.Add(1)
				t.Recovered.Add(1)
				http.Error(w, "try again later", http.StatusInternalServerError)
			}
		}()
		next(w, r)
	}
}

// Run serves GET /work with the handler that newHandler returns, until SIGINT or SIGTERM.
func Run(name, listen string, newHandler func(*Truth) http.HandlerFunc) {
	address := flag.String("listen", listen, "address to listen on; port 0 takes a free one")
	calm := flag.Duration("calm", 45*time.Second, "until the disk is slow that deferred calls write their audit log to")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s: unexpected argument %q\n", name, flag.Arg(0))
		os.Exit(2)
	}

	truth := &Truth{started: time.Now(), calm: *calm}
	mux := http.NewServeMux()
	mux.HandleFunc("/work", truth.swallowPanics(newHandler(truth)))
	mux.HandleFunc("/debug/truth", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(truth.report())
	})

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	fmt.Printf("%s listening on http://%s\n", name, listener.Addr())

	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		limit, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		server.Shutdown(limit)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatalf("%s: %v", name, err)
	}
}
