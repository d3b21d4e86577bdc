package org.userload.transport;

import java.util.ArrayList;
import java.util.List;

/**
 * Where the loops of one side run, and how those that serve faults wait. Immutable.
 *
 * <p>CPUs are given to loops in turn: the first to the one that serves faults, the next to the stream's, the next to what
 * other loops there are, then the first again.
 *
 * @param cpus numbers of CPUs; none for any
 * @param waiting of the loop that serves faults; the others sleep
 */
public record Placement(List<Integer> cpus, WaitPolicy waiting) {
    /** Anywhere, sleeping. */
    public static final Placement ANY = new Placement(List.of(), WaitPolicy.BLOCK);

    /** No machine has more. */
    private static final int MOST_CPUS = 1024;

    public Placement {
        cpus = List.copyOf(cpus);
    }

    /** The CPU of a loop, counted from 0, or -1 for any. */
    int cpuOf(int loop) {
        return cpus.isEmpty() ? -1 : cpus.get(loop % cpus.size());
    }

    /**
     * Reads a list of CPUs as taskset(1) does: numbers and ranges, {@code 0,2-3}.
     *
     * @throws IllegalArgumentException with a message that shows the right form
     */
    public static List<Integer> parseCpus(String text) {
        List<Integer> cpus = new ArrayList<>();
        try {
            for (String part : text.split(",", -1)) {
                int dash = part.indexOf('-', 1);
                int first = Integer.parseInt(dash < 0 ? part : part.substring(0, dash));
                int last = dash < 0 ? first : Integer.parseInt(part.substring(dash + 1));
                if (first < 0 || last < first || last >= MOST_CPUS) {
                    throw new NumberFormatException(part);
                }
                for (int cpu = first; cpu <= last; cpu++) {
                    cpus.add(cpu);
                }
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no list of CPUs: write numbers and ranges, for example 0,2-3", e);
        }
        return cpus;
    }
}
