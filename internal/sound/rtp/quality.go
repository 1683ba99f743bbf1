package rtp

import "time"

// Quality guesses how a call sounds, from 1 (unbearable) to 4.4 (as good as a telephone gets): the E-model of ITU-T G.107, with what G.711
// whose gaps are covered bears. loss is a share; delay goes one way, from mouth to ear.
func Quality(loss float64, delay time.Duration) float64 {
	ms := float64(delay) / float64(time.Millisecond)
	r := 93.2 - 0.024*ms - 95*100*loss/(100*loss+25.1)
	if ms > 177.3 {
		r -= 0.11 * (ms - 177.3)
	}
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+7e-6*r*(r-60)*(100-r))
}

// Judge is the quality of the worse of a session's two directions.
func Judge(in Received, away Away) float64 {
	delay := away.RoundTrip/2 + in.Waiting + 20*time.Millisecond
	return min(Quality(in.Loss, delay), Quality(away.Loss, away.RoundTrip/2+2*away.Jitter+40*time.Millisecond))
}
