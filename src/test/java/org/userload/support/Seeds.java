package org.userload.support;

import java.util.SplittableRandom;

/** Randomness of a test that can be repeated: prints its seed; {@code -Duserload.test.seed=N} sets it. */
public final class Seeds {
    private Seeds() {}

    public static long of(String test) {
        long seed = Long.getLong("userload.test.seed", System.nanoTime());
        System.out.println(test + ": -Duserload.test.seed=" + seed);
        return seed;
    }

    public static SplittableRandom random(String test) {
        return new SplittableRandom(of(test));
    }
}
