package stm_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/stm"
)

// In production env is the result of zkclient.New. Here it is a ZooKeeper in memory.
func Example() {
	ctx := context.Background()
	env := &zk.Env{Server: zk.NewServer(10 * time.Second)}
	accounts, err := stm.New(env, stm.Config{Path: "/accounts"})
	if err != nil {
		log.Fatal(err)
	}
	defer accounts.Close(ctx)

	err = accounts.Do(ctx, func(tx *stm.Tx) error { return tx.Put("/accounts/alice", []byte("10")) })
	fmt.Println("alice has 10:", err)
	errPoor := errors.New("too little on the account")
	pay := func(amount int) error {
		return accounts.Do(ctx, func(tx *stm.Tx) error {
			from, _, err := tx.Get("/accounts/alice")
			if err != nil {
				return err
			}
			to, _, err := tx.Get("/accounts/bob")
			if err != nil {
				return err
			}
			has, _ := strconv.Atoi(string(from))
			got, _ := strconv.Atoi(string(to)) // 0 if there is none
			if has < amount {
				return errPoor
			}
			return errors.Join(
				tx.Put("/accounts/alice", []byte(strconv.Itoa(has-amount))),
				tx.Put("/accounts/bob", []byte(strconv.Itoa(got+amount))))
		})
	}
	fmt.Println("7:", pay(7))
	fmt.Println("7 again:", pay(7))
	// Output:
	// alice has 10: <nil>
	// 7: <nil>
	// 7 again: too little on the account
}
