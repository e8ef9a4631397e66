// SPDX-License-Identifier: GPL-2.0-only OR MIT
module deferd.example/demo

go 1.19
