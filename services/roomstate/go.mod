module github.com/cardea-rtc/cardea/services/roomstate

go 1.26
