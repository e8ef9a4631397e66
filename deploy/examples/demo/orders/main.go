// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Orders prices a customer's basket. It holds the lock of every article until the whole basket is
// priced: twelve loop defers a request. Common, and harmless at this size.
package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"deferd.example/demo/internal/service"
)

const basketSize = 12

type article struct {
	mu    sync.Mutex
	cents int64
	sold  int64
}

type shop struct {
	truth    *service.Truth
	articles [basketSize]article
}

type receipt struct {
	Articles   int   `json:"articles"`
	TotalCents int64 `json:"total_cents"`
}

// priceBasket sells one of each article at prices that belong together.
func (s *shop) priceBasket() receipt {
	var total int64
	for i := range s.articles {
		a := &s.articles[i]
		a.mu.Lock()
		defer a.mu.Unlock()
		s.truth.Defers.Add(1)
		a.sold++
		total += a.cents
	}
	time.Sleep(time.Millisecond) // the payment provider answers
	return receipt{Articles: len(s.articles), TotalCents: total}
}

func (s *shop) handleOrder(w http.ResponseWriter, r *http.Request) {
	bill := s.priceBasket()
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
