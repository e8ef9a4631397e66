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
	"sync/atomic"
	"syscall"
	"time"
)

// Truth counts what happened. deferd sees the same from outside; a test compares the two.
type Truth struct {
	Requests    atomic.Int64 // finished calls of /work
	Defers      atomic.Int64 // defers registered in loops
	Panics      atomic.Int64
	Recovered   atomic.Int64
	FilesLeaked atomic.Int64

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
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s: unexpected argument %q\n", name, flag.Arg(0))
		os.Exit(2)
	}

	truth := &Truth{started: time.Now()}
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
