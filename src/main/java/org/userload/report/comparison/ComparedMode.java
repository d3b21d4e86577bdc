package org.userload.report.comparison;

import java.util.Locale;

/** A way of moving a guest, or not moving it. */
public enum ComparedMode {
    /** The guest moves at once, its memory follows. */
    POSTCOPY("post-copy"),
    /** Memory moves while the guest runs, the rest while it is paused. */
    PRECOPY("pre-copy"),
    /** Memory moves while the guest runs, the rest after it has moved. */
    HYBRID("hybrid"),
    /** All memory moves while the guest is paused. */
    STOPCOPY("stop-and-copy"),
    /** The base line: the guest stays where it is. */
    NONE("unmoved");

    private final String label;

    ComparedMode(String label) {
        this.label = label;
    }

    /** Its name for people. */
    public String label() {
        return label;
    }

    /** Its name as the value of {@code --mode}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
