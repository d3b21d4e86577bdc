package org.userload.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.userload.report.JsonFile;
import org.userload.report.OutputFile;
import org.userload.report.comparison.ComparedMode;
import org.userload.report.comparison.Comparison;
import org.userload.report.comparison.ComparisonCsv;
import org.userload.report.comparison.ComparisonJson;
import org.userload.report.comparison.ComparisonPage;
import org.userload.report.comparison.ComparisonTable;
import org.userload.report.comparison.Machine;
import org.userload.report.comparison.Run;
import org.userload.report.comparison.RunProgress;
import org.userload.report.comparison.Setup;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Moves the same program in several ways, several times, and says which way is better. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Answers: for this workload on this link, which way of moving is better, and what does the user of the guest"
                    + " feel?",
            "",
            "Runs 'replay' in every mode, the modes in turns, each run in new processes, and once a turn without moving"
                    + " as the base line. Prints medians with least and greatest; --html writes a page with plots.",
            "",
            "Options of replay are passed on to every run. docs/comparing.md says what each figure means.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  userload compare",
            "  userload compare --trace sort.ult.zst --memory 512M --repeat 5 --html sort.html",
            "  userload compare --loops 5 --rate 4000000 --link 1gbit/200us --html page.html",
            "  userload compare --modes postcopy --switch-at 0.25 --json result.json --csv runs.csv",
            "",
            "Exit codes: 0 every run was verified, 1 a run failed, 2 wrong usage."
        })
final class CompareCommand implements Callable<Integer> {
    private static final int MAX_REPEAT = 100;
    private static final String DEFAULT_TRACE = "the trace that comes with userload (perl sorting a text)";

    /** Options of replay that a comparison sets itself. */
    private static final Set<String> SET_HERE =
            Set.of("--mode", "--json", "--no-progress", "--help", "--version", "-h", "-V");

    @Option(
            names = "--modes",
            split = ",",
            paramLabel = "MODE",
            description = "Ways of moving to compare, separated by commas. Default: all that replay has.")
    private @Nullable List<ComparedMode> chosen;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "3",
            description = "Runs of each mode, 1 to " + MAX_REPEAT + ". Default: ${DEFAULT-VALUE}.")
    private int repeat;

    @Option(names = "--html", paramLabel = "FILE", description = "Also write a page with plots; it needs no network.")
    private @Nullable Path html;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Also write everything, with the result of each run, as JSON (userload.comparison/1).")
    private @Nullable Path json;

    @Option(names = "--csv", paramLabel = "FILE", description = "Also write a line for each run as CSV.")
    private @Nullable Path csv;

    @Option(names = "--no-progress", description = "Do not show progress.")
    private boolean noProgress;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    /** Lets {@code compare} take every option of {@code replay} that it does not set itself. */
    static void adoptReplayOptions(CommandLine userload) {
        CommandSpec compare = sibling(userload, "compare");
        CommandSpec replay = sibling(userload, "replay");
        for (OptionSpec option : replay.options()) {
            if (!option.hidden() && Stream.of(option.names()).noneMatch(SET_HERE::contains)) {
                compare.addOption(OptionSpec.builder(option).build());
            }
        }
    }

    private static CommandSpec sibling(CommandLine userload, String name) {
        return Objects.requireNonNull(userload.getSubcommands().get(name)).getCommandSpec();
    }

    /** The files to write, known to be writable. */
    private record Outputs(
            @Nullable OutputFile html,
            @Nullable JsonFile json,
            @Nullable OutputFile csv) {}

    @Override
    public Integer call() throws Exception {
        List<ComparedMode> modes = modes();
        if (repeat < 1 || repeat > MAX_REPEAT) {
            throw new ParameterException(
                    spec.commandLine(), "--repeat is 1 to " + MAX_REPEAT + " runs of each mode, not " + repeat);
        }
        Outputs outputs = outputs();
        List<String> options = passedOn("replay");
        Setup setup = new Setup(
                trace(options),
                options,
                modes,
                repeat,
                Instant.now().truncatedTo(ChronoUnit.SECONDS),
                Machine.current());
        List<Run> runs = runs(setup);
        Comparison comparison = new Comparison(setup, runs);
        PrintWriter out = spec.commandLine().getOut();
        out.println(ComparisonTable.of(comparison));
        out.flush();
        write(comparison, outputs);
        return comparison.failures().isEmpty() ? 0 : 1;
    }

    private List<ComparedMode> modes() {
        Set<String> known = new HashSet<>();
        CommandLine userload = Objects.requireNonNull(spec.commandLine().getParent());
        sibling(userload, "replay").findOption("--mode").completionCandidates().forEach(known::add);
        known.remove(ComparedMode.NONE.toString());
        if (chosen == null) {
            return Stream.of(ComparedMode.values())
                    .filter(mode -> known.contains(mode.toString()))
                    .toList();
        }
        for (ComparedMode mode : chosen) {
            if (!known.contains(mode.toString())) {
                throw new ParameterException(
                        spec.commandLine(),
                        mode == ComparedMode.NONE
                                ? "--modes: the unmoved run is always made, leave out " + mode
                                : "--modes: replay cannot move by " + mode + ", only by "
                                        + String.join(
                                                ", ", known.stream().sorted().toList()));
            }
        }
        if (new HashSet<>(chosen).size() < chosen.size()) {
            throw new ParameterException(spec.commandLine(), "--modes names a mode twice; --repeat makes more runs");
        }
        return chosen;
    }

    private Outputs outputs() throws IOException {
        List<Path> given = Stream.of(html, json, csv).filter(Objects::nonNull).toList();
        if (given.stream().map(Path::toAbsolutePath).distinct().count() < given.size()) {
            throw new ParameterException(spec.commandLine(), "--html, --json and --csv need different files");
        }
        return new Outputs(
                html == null ? null : OutputFile.check(html),
                json == null ? null : JsonFile.check(json),
                csv == null ? null : OutputFile.check(csv));
    }

    /** What the user gave of the options that another command has. */
    private List<String> passedOn(String command) {
        CommandSpec other = sibling(Objects.requireNonNull(spec.commandLine().getParent()), command);
        List<String> options = new ArrayList<>();
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            String name = option.longestName();
            if (!SET_HERE.contains(name) && other.findOption(name) != null) {
                if (option.arity().max() == 0) {
                    options.add(option.longestName());
                } else {
                    option.originalStringValues().forEach(value -> options.add(option.longestName() + "=" + value));
                }
            }
        }
        return options;
    }

    private static String trace(List<String> options) {
        String start = "--trace=";
        return options.stream()
                .filter(option -> option.startsWith(start))
                .map(option -> option.substring(start.length()))
                .findFirst()
                .orElse(DEFAULT_TRACE);
    }

    private List<Run> runs(Setup setup) throws Exception {
        List<ComparedMode> turn = new ArrayList<>();
        turn.add(ComparedMode.NONE);
        turn.addAll(setup.modes());
        List<Run> runs = new ArrayList<>();
        Set<String> said = new HashSet<>();
        try (ReplayRuns replay = new ReplayRuns(setup.options(), passedOn(ReplayUnmovedCommand.NAME));
                RunProgress progress = RunProgress.start(turn.size() * repeat, !noProgress)) {
            for (int number = 1; number <= repeat; number++) {
                for (ComparedMode mode : turn) {
                    progress.next(mode, number);
                    ReplayRuns.Outcome outcome = replay.run(mode, number);
                    if (outcome.wrongUsage()) {
                        throw new ParameterException(spec.commandLine(), firstLine(outcome.messages()));
                    }
                    if (!outcome.run().isGood() && runs.isEmpty()) {
                        throw new IOException("not even the unmoved guest runs: " + withoutName(outcome.messages()));
                    }
                    report(outcome, said);
                    runs.add(outcome.run());
                }
            }
        }
        return runs;
    }

    /** A failure always, any other message once. */
    private void report(ReplayRuns.Outcome outcome, Set<String> said) {
        PrintWriter err = spec.commandLine().getErr();
        Run run = outcome.run();
        if (!run.isGood()) {
            err.println("userload: " + run.mode().label() + ", turn " + run.turn() + ", failed: "
                    + withoutName(String.valueOf(run.error())));
        } else {
            outcome.messages().lines().filter(said::add).forEach(err::println);
        }
        err.flush();
    }

    private static String firstLine(String messages) {
        return withoutName(messages.lines().findFirst().orElse("replay refuses these options"));
    }

    private static String withoutName(String message) {
        String name = "userload: ";
        return message.startsWith(name) ? message.substring(name.length()) : message;
    }

    private static void write(Comparison comparison, Outputs outputs) throws IOException {
        if (outputs.json != null) {
            outputs.json.write(ComparisonJson.of(comparison));
        }
        if (outputs.csv != null) {
            outputs.csv.write(ComparisonCsv.of(comparison));
        }
        if (outputs.html != null) {
            outputs.html.write(ComparisonPage.of(comparison));
        }
    }
}
