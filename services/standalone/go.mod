module github.com/cardea-rtc/cardea/services/standalone

go 1.26
