package org.userload.report.comparison;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** All runs of a comparison, and the figures made of them. Immutable. */
public record Comparison(Setup setup, List<Run> runs) {
    public Comparison {
        runs = List.copyOf(runs);
    }

    /** The good runs of a mode, in order. */
    public List<Measured> measured(ComparedMode mode) {
        List<Measured> measured = new ArrayList<>();
        for (Run run : runs) {
            RunResult result = run.result();
            if (run.mode() == mode && run.isGood() && result != null) {
                measured.add(measuredAs(run, result));
            }
        }
        return measured;
    }

    /** A run with its base line, good or not. */
    Measured measuredAs(Run run, RunResult result) {
        return new Measured(run.turn(), result, unmoved(run.turn()));
    }

    private @Nullable RunResult unmoved(int turn) {
        return runs.stream()
                .filter(run -> run.mode() == ComparedMode.NONE && run.turn() == turn && run.isGood())
                .map(Run::result)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    /** A figure of a mode; null if none of its runs has it. */
    public @Nullable Spread spread(ComparedMode mode, Figure figure) {
        return Spread.of(
                measured(mode).stream().map(figure::of).filter(Objects::nonNull).toList());
    }

    /** Runs of a mode, good or not. */
    public long count(ComparedMode mode) {
        return runs.stream().filter(run -> run.mode() == mode).count();
    }

    /** Runs that failed or are not verified. */
    public List<Run> failures() {
        return runs.stream().filter(run -> !run.isGood()).toList();
    }

    /** The run that stands for its mode in the plots: the one whose migration took the median time. */
    Optional<Measured> typical(ComparedMode mode) {
        List<Measured> sorted = measured(mode).stream()
                .sorted(Comparator.comparing(run -> {
                    Long time = mode == ComparedMode.NONE
                            ? run.result().guestUs()
                            : run.result().wholeMigrationUs();
                    return time == null ? Long.MAX_VALUE : time;
                }))
                .toList();
        return sorted.isEmpty() ? Optional.empty() : Optional.of(sorted.get((sorted.size() - 1) / 2));
    }

    /** Any good result: what does not differ between runs. */
    Optional<RunResult> anyResult() {
        return runs.stream()
                .filter(Run::isGood)
                .map(Run::result)
                .filter(Objects::nonNull)
                .findFirst();
    }

    /** Any good result of a mode that moved. */
    Optional<RunResult> anyMoved() {
        return setup.modes().stream()
                .flatMap(mode -> measured(mode).stream())
                .map(Measured::result)
                .findFirst();
    }
}
