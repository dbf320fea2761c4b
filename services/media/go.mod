module github.com/cardea-rtc/cardea/services/media

go 1.26

require (
	github.com/pion/rtcp v1.2.20
	github.com/pion/rtp v1.10.6
	pgregory.net/rapid v1.3.0
)

require github.com/pion/randutil v0.1.0 // indirect
