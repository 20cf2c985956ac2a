package decide

func init() { CheckEachPass = true }
