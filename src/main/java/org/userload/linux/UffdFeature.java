package org.userload.linux;

import java.util.EnumSet;
import java.util.Set;

/** Features of userfaultfd, as in {@code linux/userfaultfd.h}, with the kernel version that brought each. */
public enum UffdFeature {
    PAGEFAULT_FLAG_WP(0, "5.7"),
    EVENT_FORK(1, "4.11"),
    EVENT_REMAP(2, "4.11"),
    EVENT_REMOVE(3, "4.11"),
    MISSING_HUGETLBFS(4, "4.11"),
    MISSING_SHMEM(5, "4.11"),
    EVENT_UNMAP(6, "4.11"),
    SIGBUS(7, "4.14"),
    THREAD_ID(8, "4.14"),
    MINOR_HUGETLBFS(9, "5.13"),
    MINOR_SHMEM(10, "5.14"),
    EXACT_ADDRESS(11, "5.18"),
    WP_HUGETLBFS_SHMEM(12, "5.19"),
    WP_UNPOPULATED(13, "6.4"),
    POISON(14, "6.6"),
    WP_ASYNC(15, "6.7"),
    MOVE(16, "6.8");

    private final long bit;
    private final String since;

    UffdFeature(int position, String since) {
        this.bit = 1L << position;
        this.since = since;
    }

    /** The Linux version that brought this feature. */
    public String since() {
        return since;
    }

    static long mask(Set<UffdFeature> features) {
        long mask = 0;
        for (UffdFeature feature : features) {
            mask |= feature.bit;
        }
        return mask;
    }

    static Set<UffdFeature> ofMask(long mask) {
        Set<UffdFeature> features = EnumSet.noneOf(UffdFeature.class);
        for (UffdFeature feature : values()) {
            if ((mask & feature.bit) != 0) {
                features.add(feature);
            }
        }
        return features;
    }
}
