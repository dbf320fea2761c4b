module github.com/cardea-rtc/cardea/e2e

go 1.26
