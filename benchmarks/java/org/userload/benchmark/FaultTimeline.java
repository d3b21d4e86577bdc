package org.userload.benchmark;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Finds faults in the lines of {@code perf script}: from the touching thread's {@code madvise} to its end, what the fault loop
 * and the source's request loop do in between. A fault whose calls do not follow one another as they should, because something
 * else got in between, is left out.
 */
final class FaultTimeline {
    /** What follows what in a fault. */
    enum Stage {
        WAKE_LOOP("the thread faults, the fault loop wakes up"),
        ASK("it reads the event and sends the request"),
        WAKE_SOURCE("the source wakes up"),
        ANSWER("it reads the request and sends the page"),
        WAKE_AGAIN("the fault loop wakes up"),
        RECEIVE("it receives the page"),
        INSTALL("it installs the page, which wakes the thread"),
        RETURN("the thread goes on");

        private final String text;

        Stage(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    private static final String FAULT_LOOP = "userload-sync";
    private static final String SOURCE = "userload-source";

    private final Map<Stage, List<Double>> micros = new EnumMap<>(Stage.class);
    private final double[] ends = new double[Stage.values().length];
    private String toucher = "";
    private double begin;
    private int reached;

    FaultTimeline() {
        for (Stage stage : Stage.values()) {
            micros.put(stage, new ArrayList<>());
        }
    }

    /** {@code comm tid seconds: syscalls:sys_enter_name:}; the name of a thread may hold blanks. */
    void add(String line) {
        String[] words = line.trim().split("\\s+");
        int last = words.length - 1;
        if (last < 3) {
            return;
        }
        String event = words[last].replace("syscalls:sys_", "").replace(":", "");
        double at = Double.parseDouble(words[last - 1].replace(":", "")) * 1e6;
        String tid = words[last - 2];
        happened(words[0], tid, event, at);
    }

    private void happened(String thread, String tid, String event, double at) {
        if (event.equals("enter_madvise")) {
            toucher = tid;
            begin = at;
            reached = 0;
        } else if (event.equals("exit_madvise") && tid.equals(toucher)) {
            if (reached == Stage.RETURN.ordinal()) {
                ends[reached] = at;
                keep();
            }
            toucher = "";
        } else if (!toucher.isEmpty()) {
            go(thread, event, at);
        }
    }

    /** A stage ends with a call of one of the loops; a later such call of the same stage moves its end. */
    private void go(String thread, String event, double at) {
        boolean loop = thread.startsWith(FAULT_LOOP);
        boolean source = thread.startsWith(SOURCE);
        boolean woke = event.startsWith("exit_epoll");
        boolean sent = event.equals("exit_write") || event.equals("exit_writev") || event.equals("exit_sendto");
        if (loop && woke && reached == Stage.WAKE_LOOP.ordinal()
                || loop && sent && reached == Stage.ASK.ordinal()
                || source && woke && reached == Stage.WAKE_SOURCE.ordinal()
                || source && sent && reached == Stage.ANSWER.ordinal()
                || loop && woke && reached == Stage.WAKE_AGAIN.ordinal()
                || loop && event.equals("enter_ioctl") && reached == Stage.RECEIVE.ordinal()
                || loop && event.equals("exit_ioctl") && reached == Stage.INSTALL.ordinal()) {
            ends[reached++] = at;
        } else if (source && woke && reached == Stage.ASK.ordinal()) {
            // The source was faster than the sender's return from its call.
            ends[reached++] = at;
            ends[reached++] = at;
        } else if (loop && woke && reached == Stage.ANSWER.ordinal()) {
            ends[reached++] = at;
            ends[reached++] = at;
        }
    }

    private void keep() {
        double from = begin;
        for (Stage stage : Stage.values()) {
            micros.get(stage).add(ends[stage.ordinal()] - from);
            from = ends[stage.ordinal()];
        }
    }

    int faults() {
        return micros.get(Stage.RETURN).size();
    }

    /** What each fault that was seen whole took for a stage, microseconds. */
    double[] micros(Stage stage) {
        return micros.get(stage).stream().mapToDouble(Double::doubleValue).toArray();
    }
}
