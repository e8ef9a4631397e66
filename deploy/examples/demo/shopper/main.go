// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Shopper calls each URL given at a steady rate for a limited time, and says what came back. It
// talks to this machine only: it refuses hosts that are not loopback addresses.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sort"
	"sync"
	"time"
)

const (
	maxRate     = 5000
	maxFor      = 24 * time.Hour
	maxInFlight = 64 // requests to one URL; more than that are skipped, not queued
)

var defaultURLs = []string{
	"http://127.0.0.1:8081/work",
	"http://127.0.0.1:8082/work",
	"http://127.0.0.1:8083/work",
}

// result is what one URL answered.
type result struct {
	URL     string  `json:"url"`
	Sent    int     `json:"sent"`
	OK      int     `json:"ok"`
	Refused int     `json:"refused"` // an HTTP status of 400 or more
	Failed  int     `json:"failed"`  // no answer
	Skipped int     `json:"skipped"` // due, but too many were in flight
	P50Ms   float64 `json:"p50_ms"`
	P95Ms   float64 `json:"p95_ms"`

	mu    sync.Mutex
	tookS []float64
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	if u.Scheme != "http" {
		return fmt.Errorf("%s: only http", raw)
	}
	ip := net.ParseIP(u.Hostname())
	if ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s: the host must be a loopback address such as 127.0.0.1", raw)
	}
	return nil
}

func (r *result) call(client *http.Client) {
	begin := time.Now()
	response, err := client.Get(r.URL)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	took := time.Since(begin).Seconds()

	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.Failed++
	case response.StatusCode >= 400:
		r.Refused++
	default:
		r.OK++
	}
	if err == nil {
		r.tookS = append(r.tookS, took)
	}
}

func (r *result) drive(client *http.Client, rate float64, limit time.Duration) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer ticker.Stop()
	end := time.NewTimer(limit)
	defer end.Stop()
	slots := make(chan struct{}, maxInFlight)
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		select {
		case <-end.C:
			return
		case <-ticker.C:
		}
		select {
		case slots <- struct{}{}:
		default:
			r.Skipped++
			continue
		}
		r.Sent++
		calls.Add(1)
		go func() {
			defer calls.Done()
			r.call(client)
			<-slots
		}()
	}
}

func (r *result) summarize() {
	if len(r.tookS) == 0 {
		return
	}
	sort.Float64s(r.tookS)
	r.P50Ms = r.tookS[len(r.tookS)/2] * 1000
	r.P95Ms = r.tookS[len(r.tookS)*95/100] * 1000
}

func main() {
	rate := flag.Float64("rate", 20, "requests a second to each URL")
	limit := flag.Duration("for", 30*time.Second, "how long")
	asJSON := flag.Bool("json", false, "print the result as JSON")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: shopper [flags] [URL...]\n")
		flag.PrintDefaults()
	}
	flag.Parse()

	urls := flag.Args()
	if len(urls) == 0 {
		urls = defaultURLs
	}
	if *rate <= 0 || *rate > maxRate || *limit <= 0 || *limit > maxFor {
		fmt.Fprintf(os.Stderr, "shopper: -rate goes up to %d, -for up to %v\n", maxRate, maxFor)
		os.Exit(2)
	}
	for _, raw := range urls {
		if err := checkURL(raw); err != nil {
			fmt.Fprintf(os.Stderr, "shopper: %v\n", err)
			os.Exit(2)
		}
	}

	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight},
		// An answer must not send us elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	results := make([]*result, len(urls))
	var drivers sync.WaitGroup
	for i, raw := range urls {
		results[i] = &result{URL: raw}
		drivers.Add(1)
		go func(r *result) {
			defer drivers.Done()
			r.drive(client, *rate, *limit)
			r.summarize()
		}(results[i])
	}
	drivers.Wait()

	if *asJSON {
		json.NewEncoder(os.Stdout).Encode(results)
		return
	}
	for _, r := range results {
		fmt.Printf("%s: %d sent, %d ok, %d refused, %d failed, %d skipped, p50 %.1f ms, p95 %.1f ms\n",
			r.URL, r.Sent, r.OK, r.Refused, r.Failed, r.Skipped, r.P50Ms, r.P95Ms)
	}
}
