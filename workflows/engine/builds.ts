import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';

/**
 * Lets runs of this type go on in whichever build is current, where workers have builds (`CKS_BUILD_ID`): looks that end within a
 * minute, and hold up the next one while they last. All other runs stay with the build that they began on.
 */
export function followsCurrentBuild(workflow: (...args: never[]) => Promise<unknown>): void {
  // Temporal refuses the word of a worker that has no build.
  setWorkflowOptions(
    () => (workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'AUTO_UPGRADE' } : {}),
    workflow,
  );
}
