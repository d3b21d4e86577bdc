package org.userload.trace;

/** The arithmetic of a replay, modulo 2^64, as specified in {@code docs/replay.md}. */
final class ReplayArithmetic {
    /** The increment of SplitMix64: 2^64 divided by the golden ratio, odd. */
    static final long GOLDEN = 0x9E3779B97F4A7C15L;

    /** The multiplier of {@link #fold}; odd, so that multiplying loses nothing. */
    static final long FOLD_MULTIPLIER = 0xBF58476D1CE4E5B9L;

    static final int FOLD_ROTATION = 29;

    /** The bytes "userload", which keep the first checksum apart from the first word of memory. */
    static final long CHECKSUM_SALT = UltLayout.MAGIC;

    private ReplayArithmetic() {}

    /** The output function of SplitMix64, a bijection. */
    static long mix64(long z) {
        long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }

    /** Word {@code index} of freshly filled guest memory. */
    static long memoryWord(long seed, long index) {
        return mix64(seed + (index + 1) * GOLDEN);
    }

    /** The checksum before the first access. */
    static long firstChecksum(long seed) {
        return mix64(seed ^ CHECKSUM_SALT);
    }

    /** The checksum after one word was read; for a given checksum a bijection of the word, and the reverse. */
    static long fold(long checksum, long word) {
        return Long.rotateLeft((checksum ^ word) * FOLD_MULTIPLIER, FOLD_ROTATION) + GOLDEN;
    }

    /** The checksum after one word was written; {@code mix64} of it is the word. */
    static long advance(long checksum) {
        return checksum + GOLDEN;
    }

    /** The fingerprint of a trace after one more access. */
    static long fingerprint(long before, long address, int sizeBytes, int operationCode) {
        long folded = fold(before, address);
        return fold(folded, ((long) sizeBytes << 2) | operationCode);
    }

    /** The fingerprint of a trace that is run more than once. */
    static long loopFingerprint(long traceFingerprint, long loops) {
        return mix64(fold(traceFingerprint, loops));
    }
}
