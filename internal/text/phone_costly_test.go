package text

import "testing"

func TestPhoneCostly(t *testing.T) {
	for number, costly := range map[string]bool{
		"+380671112233": false, "+48601234567": false, "+442079460000": false, "+8801712345678": false, "+15551234567": false,
		"+449098790000": true, "+48703123456": true, "+881612345678": true, "+882161234567": true, "+979123456789": true, "": true,
	} {
		if got := PhoneCostly(number); got != costly {
			t.Errorf("%s: %v", number, got)
		}
	}
}
