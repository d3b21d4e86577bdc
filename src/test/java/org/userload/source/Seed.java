package org.userload.source;

import java.util.Random;

/** Randomness of a test that can be repeated: prints its seed; {@code -Duserload.test.seed=N} sets it. */
final class Seed {
    private Seed() {}

    static Random random(String test) {
        long seed = Long.getLong("userload.test.seed", System.nanoTime());
        System.out.println(test + ": -Duserload.test.seed=" + seed);
        return new Random(seed);
    }
}
