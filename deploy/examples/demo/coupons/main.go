// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Coupons checks a code against every running campaign. Each check opens a tracing span, and a
// deferred call ends it; the defer stands in the loop, so that 89 spans stay open until the last
// campaign has been checked.
package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"deferd.example/demo/internal/service"
)

const campaignCount = 89

type span struct {
	name  string
	begin time.Time
	took  time.Duration
}

func startSpan(name string) *span {
	return &span{name: name, begin: time.Now()}
}

func (s *span) end() {
	s.took = time.Since(s.begin)
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
	campaigns [campaignCount]campaign
}

func (c *checker) validCampaigns(code string) []string {
	var valid []string
	for i := range c.campaigns {
		span := startSpan(c.campaigns[i].name)
		defer span.end()
		c.truth.Defers.Add(1)
		if c.campaigns[i].grants(code) {
			valid = append(valid, c.campaigns[i].name)
		}
	}
	return valid
}

func (c *checker) handleCoupon(w http.ResponseWriter, r *http.Request) {
	valid := c.validCampaigns(r.FormValue("code"))
	fmt.Fprintf(w, "%d of %d campaigns grant it\n", len(valid), len(c.campaigns))
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
