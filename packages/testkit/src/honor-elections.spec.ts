import { rankedElection, stakeElection } from "@aios/core-committee/election";
import { honorElectionConformance } from "./honor-election-conformance.js";

honorElectionConformance("rankedElection", {
  election: rankedElection,
  withRank: (candidate, score) => ({
    ...candidate,
    stakeWei: score > candidate.stakeWei ? score : candidate.stakeWei,
    score,
  }),
});

honorElectionConformance("stakeElection", {
  election: stakeElection,
  withRank: (candidate, stakeWei) => ({ ...candidate, stakeWei }),
});
