module github.com/cardea-rtc/cardea/services/media

go 1.26
