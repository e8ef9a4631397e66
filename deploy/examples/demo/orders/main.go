// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Orders prices a customer's basket. It holds the lock of every article until the whole basket is
// priced: twelve loop defers a request, or thirteen. Common, and harmless at this size, even when each of them
// writes to an audit log on a slow disk.
package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"deferd.example/demo/internal/service"
)

const maxBasket = 13

type article struct {
	mu    sync.Mutex
	cents int64
	sold  int64
}

type shop struct {
	truth    *service.Truth
	baskets  atomic.Int64
	articles [maxBasket]article
}

type receipt struct {
	Articles   int   `json:"articles"`
	TotalCents int64 `json:"total_cents"`
}

// giveBack lets the next customer have the article.
func (s *shop) giveBack(a *article) {
	a.mu.Unlock()
	s.truth.Audit(3, 2*time.Millisecond)
}

// priceBasket sells one of each article in it, at prices that belong together.
func (s *shop) priceBasket(basket []article) receipt {
	var total int64
	for i := range basket {
		a := &basket[i]
		a.mu.Lock()
		defer s.giveBack(a)
		s.truth.Defers.Add(1)
		a.sold++
		total += a.cents
	}
	time.Sleep(time.Millisecond) // the payment provider answers
	return receipt{Articles: len(basket), TotalCents: total}
}

func (s *shop) handleOrder(w http.ResponseWriter, r *http.Request) {
	size := maxBasket - 1
	if s.baskets.Add(1)%10 < 3 {
		size = maxBasket
	}
	bill := s.priceBasket(s.articles[:size])
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(bill)
}

func newHandler(truth *service.Truth) http.HandlerFunc {
	s := &shop{truth: truth}
	for i := range s.articles {
		s.articles[i].cents = int64(199 + 50*i)
	}
	return s.handleOrder
}

func main() {
	service.Run("orders", "127.0.0.1:8081", newHandler)
}
