package org.userload.benchmark;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Finds faults in the lines of {@code perf script}: from the touching thread's {@code madvise} to its end, what the fault loop
 * and the source's request loop do in between. A fault whose calls do not follow one another as they should, because something
 * else got in between, is left out.
 */
final class FaultTimeline {
    private static final String FAULT_LOOP = "userload-sync";
    private static final String SOURCE = "userload-source";
    private static final Pattern WOKE = Pattern.compile("exit_epoll_.*");
    private static final Pattern SENT = Pattern.compile("exit_(write|writev|sendto)");
    private static final Pattern BLANKS = Pattern.compile("\\s+");

    /** What follows what in a fault; each stage ends when one of its threads comes to one of its calls. */
    enum Stage {
        WAKE_LOOP("the thread faults, the fault loop wakes up", FAULT_LOOP, WOKE),
        ASK("it reads the event and sends the request", FAULT_LOOP, SENT),
        WAKE_SOURCE("the source wakes up", SOURCE, WOKE),
        ANSWER("it reads the request and sends the page", SOURCE, SENT),
        WAKE_AGAIN("the fault loop wakes up", FAULT_LOOP, WOKE),
        RECEIVE("it receives the page", FAULT_LOOP, Pattern.compile("enter_ioctl")),
        INSTALL("it installs the page, which wakes the thread", FAULT_LOOP, Pattern.compile("exit_ioctl")),
        RETURN("the thread goes on", "", Pattern.compile("exit_madvise"));

        private final String text;
        private final String thread;
        private final Pattern ends;

        Stage(String text, String thread, Pattern ends) {
            this.text = text;
            this.thread = thread;
            this.ends = ends;
        }

        boolean isEndedBy(String comm, String event) {
            return comm.startsWith(thread) && ends.matcher(event).matches();
        }

        @Override
        public String toString() {
            return text;
        }
    }

    private static final List<Stage> STAGES = List.of(Stage.values());

    private final Map<Stage, List<Double>> micros = new EnumMap<>(Stage.class);

    /** When each stage of the fault that is under way began, and its last one ended. */
    private final List<Double> times = new ArrayList<>();

    private String toucher = "";

    FaultTimeline() {
        for (Stage stage : STAGES) {
            micros.put(stage, new ArrayList<>());
        }
    }

    /** {@code comm tid seconds: syscalls:sys_enter_name:}. */
    void add(String line) {
        String[] words = BLANKS.split(line.trim(), -1);
        int last = words.length - 1;
        if (last >= 3) {
            String event = words[last].replace("syscalls:sys_", "").replace(":", "");
            happened(words[0], words[last - 2], event, Double.parseDouble(words[last - 1].replace(":", "")) * 1e6);
        }
    }

    private void happened(String comm, String tid, String event, double at) {
        if (event.equals("enter_madvise")) {
            toucher = tid;
            times.clear();
            times.add(at);
        } else if (tid.equals(toucher)) {
            if (nextStage() == Stage.RETURN && Stage.RETURN.isEndedBy(comm, event)) {
                times.add(at);
                keep();
            }
            toucher = "";
        } else if (!toucher.isEmpty()) {
            advance(comm, event, at);
        }
    }

    private Stage nextStage() {
        return STAGES.get(times.size() - 1);
    }

    private void advance(String comm, String event, double at) {
        Stage now = nextStage();
        if (now == Stage.RETURN) {
            return;
        }
        Stage after = STAGES.get(times.size());
        if (now.isEndedBy(comm, event)) {
            times.add(at);
        } else if ((now == Stage.ASK || now == Stage.ANSWER) && after.isEndedBy(comm, event)) {
            // The other side woke up before the sender's call had returned.
            times.add(at);
            times.add(at);
        }
    }

    private void keep() {
        for (int i = 0; i < STAGES.size(); i++) {
            micros.get(STAGES.get(i)).add(times.get(i + 1) - times.get(i));
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
