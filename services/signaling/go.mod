module github.com/cardea-rtc/cardea/services/signaling

go 1.26
