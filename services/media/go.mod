module github.com/cardea-rtc/cardea/services/media

go 1.26

require github.com/pion/rtcp v1.2.20
