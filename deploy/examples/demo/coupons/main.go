// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Coupons checks a code against every running campaign. Each check opens a tracing span, and a
// deferred call ends it; the defer stands in the loop, so that 89 or 90 spans stay open until the last
// campaign has been checked. Each writes to an audit log, and when its disk becomes slow, so do requests.
package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"deferd.example/demo/internal/service"
)

const maxCampaigns = 90

type span struct {
	name  string
	begin time.Time
	took  time.Duration
}

func startSpan(name string) *span {
	return &span{name: name, begin: time.Now()}
}

func (s *span) end(truth *service.Truth) {
	s.took = time.Since(s.begin)
	truth.Audit(9, 16*time.Millisecond)
}

type campaign struct {
	name string
	salt [sha256.Size]byte
}

// grants says whether a code belongs to the campaign.
func (c *campaign) grants(code string) bool {
	sum := sha256.Sum256(append(c.salt[:], code...))
	return sum[0] == 0
}

type checker struct {
	truth     *service.Truth
	checks    atomic.Int64
	campaigns [maxCampaigns]campaign
}

func (c *checker) validCampaigns(campaigns []campaign, code string) []string {
	var valid []string
	for i := range campaigns {
		span := startSpan(campaigns[i].name)
		defer span.end(c.truth)
		c.truth.Defers.Add(1)
		if campaigns[i].grants(code) {
			valid = append(valid, campaigns[i].name)
		}
	}
	return valid
}

func (c *checker) handleCoupon(w http.ResponseWriter, r *http.Request) {
	running := c.campaigns[:maxCampaigns-1]
	if c.checks.Add(1)%10 == 0 {
		running = c.campaigns[:]
	}
	valid := c.validCampaigns(running, r.FormValue("code"))
	fmt.Fprintf(w, "%d of %d campaigns grant it\n", len(valid), len(running))
}

func newHandler(truth *service.Truth) http.HandlerFunc {
	c := &checker{truth: truth}
	for i := range c.campaigns {
		c.campaigns[i].name = fmt.Sprintf("campaign %d", i)
		c.campaigns[i].salt = sha256.Sum256([]byte(c.campaigns[i].name))
	}
	return c.handleCoupon
}

func main() {
	service.Run("coupons", "127.0.0.1:8083", newHandler)
}
